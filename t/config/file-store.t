# SPDX-License-Identifier: Apache-2.0
# SessionExtStore file:DIR: the directory is the server's own, in a place that
# others cannot exchange; else httpd refuses to run, and httpd -t says why.
use SxTest;
use SxTest::Keys;
use SxTest::Refusal;

my $s = SxTest::Server->new;
my $place = $s->root . '/place';
my $dir = "$place/sessions";
my $KEYS = "SessionExtKeyFile run/keys\n";
SxTest::Keys::put($s->runtime_dir . '/keys', SxTest::Keys::line(1));

sub scope { return "<Location /s/>\nSessionExt On\nSessionExtStore $_[0]\n</Location>" }

sub refused
{
    my ($what, @needles) = @_;
    SxTest::Refusal::refused($s, [$what, $KEYS . scope("file:$dir"),
        "SessionExtStore 'file:$dir'", @needles]);
    return;
}

refused('no directory above it', 'cannot be reached');
mkdir $place;
SxTest::Refusal::accepted($s,
    ['one that is not there yet', $KEYS . scope("file:$dir")],
    ['a path below ServerRoot', $KEYS . scope('file:place/sessions//')]);
ok(!-e $dir, 'httpd -t makes nothing');
SxTest::Refusal::refused($s,
    ['keys that a reboot takes away', scope("file:$dir"),
        "SessionExtStore file:$dir", 'reboot', 'SessionExtKeyFile'],
    ['PHP, which cannot open it',
        $KEYS . scope("file:$dir\nSessionExtPHP On"), 'SessionExtPHP', 'shm'],
    ['no path', $KEYS . scope('file:'), "'file:'", 'path of a directory'],
    ['the root directory', $KEYS . scope('file:/'), "'file:/'", 'path']);

mkdir $dir, 0700;
for my $mode (qw(0750 0701 0777)) {
    chmod oct $mode, $dir;
    refused("mode $mode", $mode, '0700');
}
chmod 0700, $dir;
chmod 0777, $place;
refused('a directory above that others write', 'others may write');
chmod 0755, $place;
mkdir "$dir/photos";
refused('other files in it', 'other files');
rmdir "$dir/photos";
rmdir $dir;
mkdir "$place/real", 0700;
symlink "$place/real", $dir;
refused('a symbolic link', 'link');
unlink $dir;
open my $out, '>', $dir or die "$dir: $!\n";
close $out;
refused('a file', 'is none');
unlink $dir;

# A server that runs is not brought down by what went bad.
my $b = $s->browser;
$s->write_conf($KEYS . scope("file:$dir") . "\n" . scope('shm') =~ s{/s/}{/x/}r)
    ->start;
$b->get('/s/cgi/app', h => ['Session-Set: a=1']);
is($b->get('/s/cgi/app')->env('SESSION_VAR_a'), '1', 'a good one is used');
chmod 0755, $dir;
my $mark = $s->log_mark;
$s->graceful;
is($b->get('/s/cgi/app')->env('SESSION_STATUS'), 'unavailable',
    'after a reload one that went bad is unavailable');
like($s->error_log_since($mark), qr/\Q$dir\E.*mode is 0755/, 'and the log says why');
is($b->get('/x/cgi/app')->env('SESSION_STATUS'), 'invalid',
    'other scopes go on');
chmod 0700, $dir;
my $end = time + 20;
my $status;
do {
    $status = $b->get('/s/cgi/app')->env('SESSION_STATUS');
    select undef, undef, undef, 0.2;
} while ($status ne 'active' && time < $end);
is($status, 'active', 'and once it is put right it is back by itself');
SxTest::done();
