# SPDX-License-Identifier: Apache-2.0
# The tool's command line, and keygen, which makes what a server accepts.
use SxTest;
use File::Temp qw(tempdir);
use SxTest::File qw(slurp);
use SxTest::Tool qw(tool);

my @wrong = (
    [[],                                  'nothing'],
    [['frobnicate', '/x'],                'an unknown command'],
    [['list'],                            'a missing file'],
    [['list', '/x', 'y'],                 'an operand too many'],
    [['show', '/x'],                      'a missing handle'],
    [['show', '/x', 'y', 'z'],            'four words'],
    [['--verbose', 'list', '/x'],         'an unknown option'],
    [['list', '-v', '/x'],                'one between words'],
);
for my $row (@wrong) {
    my ($status, $out, $err) = tool(@{ $row->[0] });
    is($status, 2, "$row->[1] is wrong usage");
    like($err, qr/^usage: htsession/m, 'and is told what is right');
    is($out, '', 'on standard error');
}
my ($status, $out, $err) = tool('--help');
is($status, 0, '--help is right usage');
like($out, qr/^usage: .*^Exit status: 0 /ms, 'and tells all');
is($err, '', 'on standard output');
($status, $out) = tool('list', '--help');
is($status, 0, '--help may stand behind a command');
like((tool('--version'))[1], qr/^htsession \d+\.\d+/, '--version tells it');

my $dir = tempdir('sxt-XXXXXX', TMPDIR => 1, CLEANUP => 1);
my $key = "$dir/keys";
($status, $out) = tool('keygen', $key);
is($status, 0, 'keygen makes a key file');
is((stat $key)[2] & 07777, 0600, 'which only its owner reads');
unlike($out, qr/[A-Za-z0-9+\/]{43}/, 'and prints no key');

my $was = slurp($key);
like($was, qr/^\d+:[A-Za-z0-9+\/]{43}=$/m, 'it holds one key');
($status, $out, $err) = tool('keygen', $key);
is($status, 3, 'a second time it refuses');
like($err, qr/exists/, 'because the file exists');
is(slurp($key), $was, 'and leaves it alone');
is((tool('keygen', "$dir/none/keys"))[0], 3,
    'where no file can be made it says so');
tool('keygen', "$dir/other");
isnt(slurp("$dir/other"), $was, 'no two keys are the same');

my $server = SxTest::Server->new(scopes => 1,
    conf => "SessionExtKeyFile \"$key\"\n");
my ($ok, $text) = $server->try_start;
ok($ok, 'a server starts with it') or diag($text);
SxTest::done();
