# SPDX-License-Identifier: Apache-2.0
# On a small file system the default store takes a quarter of the room and
# says so; a size that was asked for and does not fit is refused.
use SxTest;

my $s = SxTest::Server->new;
my $run = $s->runtime_dir;
my $file = "$run/session_ext-sessions.shm";
my $SCOPE = "<Location /s/>\nSessionExt On\n</Location>\n";
my ($mounted, $me) = (0, $$);

# However the test ends.
END { system 'umount', '-l', $run if $mounted && $$ == $me }

if (system 'mount', '-t', 'tmpfs', '-o', 'size=20m,mode=755', 'none', $run) {
    plan(skip_all => 'this root may not mount a file system');
}
$mounted = 1;

my ($up, $text) = $s->write_conf($SCOPE)->try_start;
ok($up, 'the default store is made') or diag($text);
is(-s $file, 5 * 2**20, 'it has a quarter of the room');
like($text, qr/ShmStore 'sessions': 5m, a quarter of the free room/,
    'and a notice says so');
my $b = $s->browser;
$b->get('/s/cgi/app', h => ['Session-Set: a=1']);
is($b->get('/s/cgi/app')->env('SESSION_VAR_a'), '1', 'and sessions work');
$s->stop;

($up, $text) = $s->try_start;
ok($up, 'it starts again');
is(-s $file, 5 * 2**20, 'with the size that it has');
is($b->get('/s/cgi/app')->env('SESSION_VAR_a'), '1', 'and the session');
like(sub {
    my $mark = $s->log_mark;
    $s->write_conf("ShmStore sessions size=64m\n$SCOPE")->graceful;
    return $s->error_log_since($mark);
}->(), qr/ShmStore 'sessions'.*67108864.*room|ShmStore 'sessions'.*available/,
    'more than there is room for, at a reload: the log says so');
is($b->get('/s/cgi/app')->env('SESSION_VAR_a'), '1', 'and the session stays');
$s->stop;

(my $status, $text) = $s->configtest;
is($status, 1, 'httpd -t refuses more than there is room for');
like($text, qr/ShmStore 'sessions'.*67108864.*\Q$file\E has room for \d+/,
    'and says how much there is');
($up, $text) = $s->try_start;
ok(!$up, 'and httpd does not start');

# A disk that is full for all of them.
unlink $file;
system "head -c 19900k /dev/zero >$run/fill";
($up, $text) = $s->write_conf($SCOPE)->try_start;
ok(!$up, 'without room for the smallest store httpd does not start');
like($text, qr/ShmStore 'sessions'/, 'and the log says which store');
$s->stop;
$mounted = 0 if system('umount', $run) == 0;
SxTest::done();
