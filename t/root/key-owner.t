# SPDX-License-Identifier: Apache-2.0
# H2, H5: with a parent that is root, key file and store must be root's: those
# of another user, above all of the workers' one, are refused.
use SxTest;
use MIME::Base64 qw(encode_base64);

my $s = SxTest::Server->new;
my $who = SxTest::Paths::test_user();
my $keys = $s->root . '/keys';
my $file = $s->root . '/x.shm';
my $CONF = "ShmStore sessions size=1m file=$file\n"
    . "SessionExtKeyFile $keys%s\n<Location /s/>\nSessionExt On\n</Location>\n";

open my $in, '<:raw', '/dev/urandom' or die "urandom: $!\n";
read $in, my ($bytes), 32;
open my $out, '>', $keys or die "$keys: $!\n";
print $out '1:', encode_base64($bytes, ''), "\n";
close $out;
chmod 0600, $keys;
chown $who->{uid}, $who->{gid}, $keys;

my ($status, $text) = $s->write_conf(sprintf $CONF, '')->configtest;
is($status, 1, 'a key file of the workers is refused');
like($text, qr/SessionExtKeyFile.*uid $who->{uid}.*root/, 'and httpd -t says why');

rename $keys, "$keys.real";
symlink "$keys.real", $keys;
($status, $text) = $s->write_conf(sprintf $CONF, ' symlink')->configtest;
is($status, 1, 'through a link, too');
like($text, qr/SessionExtKeyFile.*uid $who->{uid}/, 'and httpd -t says why');
unlink $keys;
rename "$keys.real", $keys;

chown 0, 0, $keys;
$s->write_conf(sprintf $CONF, '');
open $out, '>', $file or die "$file: $!\n";
close $out;
chmod 0600, $file;
chown $who->{uid}, $who->{gid}, $file;
(my $up, $text) = $s->try_start;
ok(!$up, 'a store file of the workers is refused');
like($text, qr/ShmStore 'sessions'.*uid $who->{uid}.*uid 0/,
    'and the log says why');

unlink $file;
($up, $text) = $s->try_start;
ok($up, "with root's own it starts") or diag($text);
is((stat $file)[4], 0, 'and the store belongs to root');
SxTest::done();
