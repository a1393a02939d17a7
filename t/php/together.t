# SPDX-License-Identifier: Apache-2.0
# Requests of one session at one time: PHP's take turns, as its applications
# expect, or merge by key; httpd waits for none of them, and nothing is lost.
use SxTest;
use SxTest::Php qw(script server);
use Time::HiRes qw(time);

my $s = server();
my $b;

sub run { return script($b, @_)->body }

sub begin
{
    my ($code) = @_;
    return $b->start('/p/php/run.php', method => 'POST', content => $code);
}

# Stands at a door when it has its session.
sub stand
{
    my $name = SxTest::Barrier::file_name($_[0]);
    return "\$d = \$_SERVER['SXTEST_BARRIERS'] . '/$name'; "
        . 'file_put_contents("$d.at", "x", FILE_APPEND); '
        . 'for ($i = 0; $i < 1500 && !file_exists("$d.go"); $i++) '
        . '{ clearstatcache(); usleep(10000); } ';
}

sub fresh
{
    $b = $s->browser;
    run('session_start(); $_SESSION["n"] = 0;');
    return;
}

# --- turns
fresh();
my @ended = SxTest::parallel(8, sub {
    run('session_start(); $n = $_SESSION["n"]; usleep(3000); '
        . '$_SESSION["n"] = $n + 1;') for 1 .. 10;
    return 1;
});
is(run('session_start(); echo $_SESSION["n"];'), '80',
    'eighty requests that read, add and write count to eighty');

fresh();
my $holder = begin('session_start(); ' . stand('turn') . '$_SESSION["a"] = 1;');
SxTest::reached('turn');
my $began = time;
my $waiter = begin('session_start(); $_SESSION["b"] = $_SESSION["a"] ?? "-";');
is(run('session_start(["read_and_close" => true]); echo $_SESSION["n"];'), '0',
    'who only reads does not wait');
is(run('ini_set("session_ext.concurrency", "merge"); session_start(); '
    . '$_SESSION["m"] = 1; echo "merged";'), 'merged', 'nor does who merges');
$b->get('/p/cgi/app', h => ['Session-Incr: c=1']);
is($b->get('/p/cgi/app')->env('SESSION_VAR_c'), '1', 'nor httpd');
cmp_ok(time - $began, '<', 5, 'all of that while one has the turn');
is($b->get('/p/cgi/app')->env('SESSION_VAR_b'), undef, 'and one waits for it');
SxTest::release('turn');
$_->finish for $holder, $waiter;
is(run('session_start(); ksort($_SESSION); echo json_encode($_SESSION);'),
    '{"a":1,"b":1,"c":"1","m":1,"n":0}',
    'what everybody wrote is there, and who waited saw what was written');

fresh();
$holder = begin('session_start(); session_write_close(); ' . stand('closed'));
SxTest::reached('closed');
is(run('session_start(); echo "in";'), 'in', 'a turn ends with write_close');
SxTest::release('closed');
$holder->finish;
$holder = begin('session_start(); session_abort(); session_start(); '
    . 'session_start(); session_abort(); ' . stand('aborted'));
SxTest::reached('aborted');
is(run('session_start(); echo "in";'), 'in', 'and with abort, and is had again');
SxTest::release('aborted');
$holder->finish;
run('session_start(); trigger_error("over", E_USER_ERROR);');
is(run('session_start(); echo "in";'), 'in', 'and with an error');

my $pid_file = SxTest::Barrier::directory() . "/php-$$.pid";
$holder = begin('session_start(); file_put_contents("' . $pid_file
    . '", getmypid()); ' . stand('dies'));
SxTest::reached('dies');
open my $in, '<', $pid_file or die "$pid_file: $!\n";
kill KILL => <$in>;
$holder->finish;
is(run('session_start(); echo "in";'), 'in', 'and with its process');

# The one before may have given it another id.
fresh();
my $old = $b->clone;
$holder = begin('session_start(); ' . stand('renews')
    . 'session_regenerate_id(); $_SESSION["x"] = 1;');
SxTest::reached('renews');
my $late = $old->start('/p/php/run.php', method => 'POST',
    content => 'session_start(); echo json_encode($_SESSION);');
select undef, undef, undef, 0.2;
SxTest::release('renews');
$holder->finish;
is($late->finish->body, '[]', 'whose id is another when its turn comes has none');
is(run('session_start(); echo $_SESSION["x"];'), '1', 'and disturbs nobody');

# --- merge
fresh();
my $merge = 'ini_set("session_ext.concurrency", "merge"); session_start(); ';
my @both = map { begin($merge . stand("both$_") . "\$_SESSION['k$_'] = $_; "
    . '$_SESSION["n"] = $_SESSION["n"];') } 1, 2;
SxTest::reached("both$_") for 1, 2;
$b->get('/p/cgi/app', h => ['Session-Set: n=5&cgi=1']);
SxTest::release("both$_") for 1, 2;
$_->finish for @both;
is(run('session_start(); ksort($_SESSION); echo json_encode($_SESSION);'),
    '{"cgi":"1","k1":1,"k2":2,"n":5}',
    'two that merge, and a CGI program, lose nothing of each other');
fresh();
SxTest::parallel(8, sub {
    run('session_ext_incr("n");') for 1 .. 10;
    return 1;
});
is(run('session_start(); echo $_SESSION["n"];'), '80', 'increments add up');
SxTest::done();
