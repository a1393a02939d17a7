# SPDX-License-Identifier: Apache-2.0
# H2: a key file is a regular file, closed to others, with good keys, or httpd
# does not start and says why. No key is quoted in that sentence.
use SxTest;
use SxTest::Refusal;
use MIME::Base64 qw(encode_base64);
use POSIX ();

my $s = SxTest::Server->new;
my $file = $s->root . '/keys';
my $gid = (split ' ', $))[0];

sub key
{
    my ($kid, $len) = @_;
    open my $in, '<:raw', '/dev/urandom' or die "urandom: $!\n";
    read $in, my $bytes, defined $len ? $len : 32;
    return "$kid:" . encode_base64($bytes, '') . "\n";
}

sub put
{
    my ($text, $mode) = @_;
    unlink $file, "$file.real";
    open my $out, '>', $file or die "$file: $!\n";
    print $out $text;
    close $out;
    chmod $mode || 0600, $file;
    return;
}

my $CONF = "SessionExtKeyFile $file%s\n<Location /x>\nSessionExt On\n"
    . "</Location>\n";

sub refused
{
    my ($what, $words, @needles) = @_;
    SxTest::Refusal::refused($s,
        [$what, sprintf($CONF, $words), 'SessionExtKeyFile', @needles]);
    return;
}

sub accepted
{
    my ($what, $words) = @_;
    SxTest::Refusal::accepted($s, [$what, sprintf($CONF, $words)]);
    return;
}

refused('it is missing', '', $file, 'No such file');

for my $mode (qw(0644 0640 0604 0620 0660 0700 4600)) {
    put(key(1), oct $mode);
    refused("its mode is $mode", '', $file, $mode, '0600');
}
put(key(1), 0660);
refused('a group may write', " group=$gid", $file, '0660', '0640');
put(key(1), 0644);
refused('others may read beside the group', " group=$gid", $file, '0644',
    '0640');
put(key(1), 0640);
refused('another group may read', ' group=' . ($gid + 1), $file, '0640',
    $gid + 1);

put(key(1));
rename $file, "$file.real";
symlink "$file.real", $file;
refused('it is a symbolic link', '', $file, 'symbolic link', "'symlink'");
accepted('a link to a good file, with symlink', ' symlink');
chmod 0644, "$file.real";
refused('what the link leads to is open', ' symlink', $file, '0644', '0600');
unlink $file, "$file.real";
mkdir $file;
refused('it is a directory', '', $file, 'regular file');
rmdir $file;
POSIX::mkfifo($file, 0600);
refused('it is a pipe that nobody writes', '', $file, 'regular file');
unlink $file;
refused('an unknown word behind the path', ' follow', "'follow'",
    'group=GROUP and symlink');
refused('an unknown group', ' group=no-such-group', 'group=no-such-group',
    'no such group');

# Text, then what the sentence says.
my @BAD = (
    ['it is empty', '', 'no key'],
    ['it has only comments', "# nothing\n\n", 'no key'],
    ['a key is short', key(1, 31), 'line 1', '31 bytes', '32'],
    ['a key is long', key(1) . key(2, 33), 'line 2', '33 bytes', '32'],
    ['a kid is there twice', key(7) . key(8) . key(7), 'line 3', 'kid 7',
        'line 1'],
    ['a kid is out of range', key(256), 'line 1', '0 to 255'],
    ['a kid has a leading zero', key('01'), 'line 1', 'leading'],
    ['a kid is a word', key('first'), 'line 1', '0 to 255'],
    ['there is no kid', substr(key(1), 2), 'line 1', 'kid:base64'],
    ['a key is not base64', '1:' . '*' x 44 . "\n", 'line 1', 'base64'],
    ['a key is base64 for URLs', '1:' . '_' x 43 . "=\n", 'line 1', 'base64'],
    ['there is something behind a key', key(1) =~ s/\n/ x\n/r, 'line 1',
        'nothing behind'],
    ['a line ends as on Windows', key(1) =~ s/\n/\r\n/r, 'line 1',
        'carriage return'],
    ['a key is one byte repeated', '1:' . 'A' x 43 . "=\n", 'line 1',
        'random'],
    ['there are seventeen keys', join('', map { key($_) } 1 .. 17),
        'line 17', '16'],
    ['it is of another kind', "\x7fELF" . "\0" x 64, 'line 1', 'kid:base64'],
    ['it is very large', "# padding\n" x 20_000 . key(1), '16384'],
);
for my $row (@BAD) {
    my ($what, $text, @needles) = @$row;
    put($text);
    refused($what, '', $file, @needles);
}

my $secret = key(9);
put("$secret$secret");
my (undef, $said) = $s->write_conf(sprintf $CONF, '')->configtest;
unlike($said, qr/\Q@{[substr $secret, 2, 20]}\E/, 'no key is quoted');
my ($up, $text) = $s->try_start;
ok(!$up, 'httpd does not start with a bad key file');
like($text, qr/SessionExtKeyFile.*kid 9/, 'and the log says why');

put(join '', "# a comment\n", "\n", map { key($_) } 0, 255, 3 .. 16);
accepted('sixteen keys with comments', '');
put(key(1) =~ s/\n//r, 0400);
accepted('mode 0400 and no last line feed', '');
put(key(1), 0640);
accepted('mode 0640 with its group', " group=$gid");
SxTest::done();
