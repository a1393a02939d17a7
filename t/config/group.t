# SPDX-License-Identifier: Apache-2.0
# group= opens a store's file and a key file to that group and to nobody else.
use SxTest;
use MIME::Base64 qw(encode_base64);

my $s = SxTest::Server->new;
my $file = $s->runtime_dir . '/session_ext-open.shm';
my $keys = $s->root . '/keys';
my $gid = (split ' ', $))[0];

open my $in, '<:raw', '/dev/urandom' or die "urandom: $!\n";
read $in, my $bytes, 32;
open my $out, '>', $keys or die "$keys: $!\n";
print $out '1:', encode_base64($bytes, ''), "\n";
close $out;
chmod 0640, $keys;

my $CONF = "ShmStore open size=1m%s\nSessionExtKeyFile $keys group=$gid\n"
    . "<Location /s/>\nSessionExt On\nSessionExtStore shm:open\n</Location>\n";
$s->write_conf(sprintf $CONF, " group=$gid")->start;
is((stat $file)[2] & 07777, 0660, 'the file is open to a group');
is((stat $file)[5], $gid, 'to the one that was named');
my $b = $s->browser;
$b->get('/s/cgi/app', h => ['Session-Set: a=1']);
is($b->get('/s/cgi/app')->env('SESSION_VAR_a'), '1', 'sessions live in it');

$s->stop;
$s->write_conf(sprintf $CONF, '');
my ($up, $text) = $s->try_start;
ok(!$up, 'without group= an open file is refused');
like($text, qr/ShmStore 'open'.*0660.*0600/, 'and the log says why');

$s->write_conf(sprintf $CONF, ' group=' . ($gid + 1));
($up, $text) = $s->try_start;
ok(!$up, 'a file of another group is refused');
like($text, qr/ShmStore 'open'.*group \Q$gid\E/, 'and the log says why');
SxTest::done();
