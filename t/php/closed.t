# SPDX-License-Identifier: Apache-2.0
# Where nothing of a session is exported httpd leaves it to PHP to open it. All
# that holds elsewhere holds there: what caches are told, another id by age, the
# time of an access, ends, and what modules and headers ask for.
use SxTest;
use SxTest::Php qw(script server);
use Time::HiRes qw(sleep);

my $s = server(<<'CONF', start => 1);
<Location "/e/">
    SessionExt On
    SessionExtPHP On
    SessionExtEnv Off
</Location>
<Location "/old/">
    SessionExt On
    SessionExtPHP On
    SessionExtEnv Off
    SessionExtRenewInterval 1
</Location>
<Location "/idle/">
    SessionExt On
    SessionExtPHP On
    SessionExtEnv Off
    SessionExtIdleTimeout 2
    SessionExtNamespace idle
</Location>
<Location "/asked/">
    SessionExt On
    SessionExtPHP On
    SessionExtEnv Off
    Require session-key role admin
</Location>
CONF
my $b = $s->browser;

sub run
{
    my ($code, %opt) = @_;
    return script($b, $code, at => '/e', %opt);
}
sub cookies { return scalar(my @all = $_[0]->headers('Set-Cookie')) }

# --- PHP's own
my $r = run('session_start(); $_SESSION["n"] = 1; echo json_encode('
    . '[isset($_SERVER["SESSION_STATUS"]), isset($_COOKIE["PHPSESSID"])]);');
is($r->body, '[false,false]', 'nothing is exported');
is(cookies($r), 1, 'a session begins');
for my $n (2 .. 6) {
    $r = run('session_start(); echo ++$_SESSION["n"];');
    is($r->body, $n, 'what one request writes the next one reads');
    is(cookies($r), 0, 'under its id');
}
is(run('session_start(["read_and_close" => true]); echo $_SESSION["n"], '
    . '$_COOKIE["PHPSESSID"] === session_id() ? " same" : "";')->body,
    '6 same', 'who only reads reads the same');
my $old = $b->clone;
$r = run('session_start(); session_regenerate_id(); echo ++$_SESSION["n"];');
is($r->body, '7', 'another id');
is(cookies($r), 1, 'is another cookie');
is(script($old, 'session_start(); echo json_encode($_SESSION);', at => '/e')->body,
    '[]', 'the one before is dead');

# --- who else asks
$r = run('session_start(); $_SESSION["a"] = 1; header("Session-Set: b=2");');
is($b->get('/p/cgi/app')->env('SESSION_DATA'), 'n=7&a=1&b=2',
    'what a header asks for is there, too');
is(cookies(run('session_start(); $_SESSION["a"]++; header("Session-Renew: on");')),
    1, 'in time: it may be another cookie');
run('header("Session-Set: c=3");');
is(run('session_start(); echo $_SESSION["c"];')->body, '3',
    'also without a session of PHP');
is($b->get('/asked/php/app.php')->status, 403, 'access is denied');
run('session_start(); $_SESSION["role"] = "admin";');
is($b->get('/asked/php/app.php')->status, 200, 'or not, by what PHP has set');
is(script($b, 'session_start(); echo $_SESSION["role"];', at => '/asked')->body,
    'admin', 'and PHP has its session there');

# --- caches
for my $code ('echo "x";', 'session_start(["read_and_close" => true]);',
    'session_start(); $_SESSION["n"]++;') {
    $r = run("header_remove(); session_cache_limiter(''); $code");
    like($r->header('Vary'), qr/Cookie/, 'caches are told that it varies');
    like($r->header('Cache-Control'), qr/private/, 'and that it is personal');
}
$r = script($s->browser, 'echo "x";', at => '/e');
like($r->header('Vary'), qr/Cookie/, 'it varies without a cookie');
is($r->header('Cache-Control'), undef, 'and is for everybody then');
is(cookies($r), 0, 'nor does it make one');

# --- ends
my $slow = $b->start('/e/php/run.php', method => 'POST', content =>
    "\$d = \$_SERVER['SXTEST_BARRIERS'] . '/"
    . SxTest::Barrier::file_name('slow') . "'; "
    . 'file_put_contents("$d.at", "x", FILE_APPEND); '
    . 'for ($i = 0; $i < 1500 && !file_exists("$d.go"); $i++) '
    . '{ clearstatcache(); usleep(10000); } header("Session-Set: late=1");');
SxTest::reached('slow');
my $gone = $b->clone;
is(cookies(run('session_start(); session_destroy();')), 1, 'an end is told');
SxTest::release('slow');
is(cookies($slow->finish), 0, 'and a slow request begins nothing anew');
is(script($gone, 'session_start(); echo json_encode($_SESSION);', at => '/e')->body,
    '[]', 'nor brings anything back');

# --- another id by age, and the time of an access
my @ways = ('echo "x";', 'session_start(["read_and_close" => true]);',
    'session_start(); $_SESSION["m"] = ($_SESSION["m"] ?? 0) + 1;');
my (@old, @seen);
for my $way (@ways) {
    push @old, $b = $s->browser;
    run('session_start(); $_SESSION["n"] = 1;', at => '/old');
    is(cookies(run($way, at => '/old')), 0, "a young id stays: $way");
    push @seen, $b = $s->browser;
    run('session_start(); $_SESSION["n"] = 1;', at => '/idle');
}
for (1 .. 4) {
    sleep 0.8;
    script($seen[$_], $ways[$_], at => '/idle') for 0 .. $#ways;
}
for my $i (0 .. $#ways) {
    is(script($seen[$i], 'session_start(); echo $_SESSION["n"] ?? "gone";',
        at => '/idle')->body, '1', "who is seen stays: $ways[$i]");
    is(cookies(script($old[$i], $ways[$i], at => '/old')), 1,
        "an old id is renewed: $ways[$i]");
    is(script($old[$i], 'session_start(); echo $_SESSION["n"] ?? "gone";',
        at => '/old')->body, '1', 'and leads to the session');
}
SxTest::done();
