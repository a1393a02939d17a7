# SPDX-License-Identifier: Apache-2.0
# A module whose stores have another layout, brought by a graceful restart and
# by a stop and start: while children of before use the store the new ones are
# unavailable, and then every session is there, with its versions.
use SxTest;

my $s = SxTest::Server->new;
my $store = $s->root . '/x.shm';
$s->write_conf("ShmStore sessions size=2m file=$store\n"
    . "<Location /s/>\nSessionExt On\n</Location>\n");

$s->start;
my @b = map { $s->browser } 1 .. 20;
$b[$_]->get('/s/cgi/app', h => ["Session-Set: n=$_"]) for 0 .. $#b;
my $ended = $b[1]->clone;
$b[1]->get('/s/cgi/app', h => ['Session-Destroy: on']);
my $old = $b[0]->clone->start('/s/cgi/app', wait => 'door',
    h => ['Session-If-Version: 1', 'Session-Set: late=1']);
SxTest::reached('door');
my $mark = $s->log_mark;
$s->upgrade;
$s->graceful;
SxTest::becomes($b[0], 'SESSION_STATUS', 'unavailable',
    'while a child of before uses the store, new ones do not');
SxTest::release('door');
is($old->finish->status, 200, 'the old request commits');
SxTest::becomes($b[0], 'SESSION_VAR_n', '0', 'then its session is there');
is(SxTest::seen($b[0], 'SESSION_VAR_late'), '1', 'with its last write');
is(SxTest::seen($b[0], 'SESSION_VERSION'), '2', 'and its version');
is(join(' ', map { SxTest::seen($b[$_], 'SESSION_VAR_n') } 2 .. $#b),
    join(' ', 2 .. $#b),
    'and so are all others');
is(SxTest::seen($ended, 'SESSION_STATUS'), 'invalid', 'what was ended is not');
my $log = $s->error_log_since($mark);
like($log, qr/unavailable in this process.*it has layout version \d+/,
    'the log says why it was unavailable');
like($log,
    qr/ShmStore 'sessions': carried over from layout version \d+ with 19 records, 0 lost/,
    'what was done then');
like($log, qr/is available in this process now/, 'and that it is over');
my @times = $log =~ /carried over from layout/g;
is(scalar @times, 1, 'one process did it');
is($b[3]->get('/s/cgi/app', h => ['Session-Set: n=33'])->status, 200,
    'a session of before');
is(SxTest::seen($b[3], 'SESSION_VAR_n'), '33', 'can be written');
$s->stop;

unlink $store;
$s->{next} = 0;
$s->write_conf;
$s->start;
$b[$_]->get('/s/cgi/app', h => ["Session-Set: n=$_"]) for 0 .. $#b;
$s->stop;
$s->upgrade;
$s->start;
is(join(' ', map { SxTest::seen($b[$_], 'SESSION_VAR_n') } 0 .. $#b),
    join(' ', 0 .. $#b),
    'a stop and start with the new module has all sessions at once');
SxTest::done();
