# SPDX-License-Identifier: Apache-2.0
# When a session begins, and when what PHP writes is there: before the first
# byte of a page leaves, and after it; with nothing in it, and for whom not.
use SxTest;
use SxTest::Php qw(script server);

my $s = server(<<'CONF');
<Location "/q/">
    SessionExt On
</Location>
CONF
my $b = $s->browser;

sub run { return script($b, @_) }

sub sent { return scalar(my @lines = $_[0]->headers('Set-Cookie')) }

is(sent(run('echo "x";')), 0, 'a script without a session has no cookie');
is(sent(run('session_start(["read_and_close" => true]);')), 0,
    'who only reads begins none');
is(sent(run('session_start(); session_abort();')), 0, 'nor does who aborts');
my $r = run('session_start();');
is(sent($r), 1, 'who reads to write begins one');
is($r->header('Cache-Control'), 'no-store', 'which no cache keeps');
is($b->get('/p/cgi/app')->env('SESSION_STATUS'), 'active', 'it is there');
cmp_ok($b->get('/p/cgi/app')->env('SESSION_VERSION'), '==', 1, 'and empty');
is(sent(run('session_start();')), 0, 'the second request needs no cookie');

$b = $s->browser;
$r = run('echo "first"; flush(); session_start(["cache_limiter" => ""]); '
    . '$_SESSION["a"] = 1;');
is(sent($r), 0, 'behind the headers none begins');
like($r->body, qr/Warning: session_start\(\)/, 'and a warning says so');

# --- before the first byte
$b = $s->browser;
$r = run('session_start(); $_SESSION["a"] = 1; header("Location: /q/cgi/app"); '
    . 'ob_end_flush(); echo "go"; flush(); '
    . '$d = $_SERVER["SXTEST_BARRIERS"] . "/sent"; usleep(400000);');
is($b->get('/q/cgi/app')->env('SESSION_VAR_a'), '1',
    'who follows a redirect finds what was written');
$b = $s->browser;
run('session_start(); $_SESSION["a"] = 1; echo str_repeat("x", 20000); flush(); '
    . '$_SESSION["a"] = 2; $_SESSION["b"] = 3; unset($_SESSION["c"]);');
is($b->get('/p/cgi/app')->env('SESSION_DATA'), 'a=2&b=3',
    'what comes behind the first byte is there at the end');
$b = $s->browser;
$r = run('session_start(); $_SESSION["a"] = 1; exit;');
is($b->get('/p/cgi/app')->env('SESSION_VAR_a'), '1', 'also of a page of no bytes');
$b = $s->browser;
run('register_shutdown_function(function () { $_SESSION["end"] = 1; }); '
    . 'session_start(); $_SESSION["a"] = 1; nothing();');
is($b->get('/p/cgi/app')->env('SESSION_DATA'), 'a=1&end=1',
    'and of a script that died');
$b = $s->browser;
$r = run('session_start(); http_response_code(404); $_SESSION["a"] = 404;');
is($r->status, 404, 'a page that was not found');
is($b->get('/p/cgi/app')->env('SESSION_VAR_a'), '404', 'has a session');
is(sent($s->browser->head('/p/php/run.php')), 0, 'HEAD is answered');

# --- with what else httpd does
$b = $s->browser;
$r = run('session_start(); $_SESSION["php"] = 1; '
    . 'header("Session-Set: cgi=2&php=3"); header("Session-Flash: info=hi");');
is(sent($r), 1, 'commands of headers beside $_SESSION: one cookie');
is($b->get('/p/cgi/app')->env('SESSION_DATA'), 'php=3&cgi=2',
    'both are done, the headers last');
$b = $s->browser;
run('session_start(); $_SESSION["php"] = 1;');
$r = run('session_start(); $_SESSION["php"] = 2; header("Session-Destroy: on");');
is($b->get('/p/cgi/app')->env('SESSION_STATUS'), 'none', 'and an end is an end');

# --- session_reset
$b = $s->browser;
run('session_start(); $_SESSION["a"] = 1;');
is(run('session_start(); $_SESSION["a"] = 2; session_reset(); '
    . 'echo json_encode($_SESSION);')->body, '{"a":1}', 'session_reset() looks again');
is(run('session_start(); $_SESSION["a"] = 2; session_abort(); session_start(); '
    . 'echo json_encode($_SESSION);')->body, '{"a":1}', 'session_abort() gives up');
is(run('session_start(); $_SESSION = []; echo count($_SESSION);')->body, '0',
    'all of it goes');
is(run('session_start(); echo json_encode($_SESSION);')->body, '[]', 'for good');

# --- ids
is(run('session_start(); $a = session_create_id(); $b = session_create_id("x-"); '
    . 'echo json_encode([strlen($a) > 20, $a !== session_id(), '
    . 'str_starts_with($b, "x-")]);')->body, '[true,true,true]',
    'session_create_id() makes others');
is(run('session_id("chosenbyme"); session_start(); '
    . 'echo json_encode(session_id() !== "chosenbyme");')->body, 'true',
    'nobody chooses an id');
is(run('session_start(); echo json_encode([isset($_COOKIE[session_name()]), '
    . '$_COOKIE["PHPSESSID"] === session_id()]);')->body, '[true,true]',
    'apps find a cookie when they look for one');
is(run('$a = isset($_COOKIE["sid"]); echo json_encode($a);')->body, 'false',
    'but not that of httpd');
my $other = $s->browser;
is($other->post('/p/php/run.php', header => { Cookie => 'PHPSESSID=abcdefabcdef' },
    content => 'session_start(); echo json_encode([session_id() === "abcdefabcdef", '
    . '$_SESSION]);')->body, '[false,[]]', 'an id of the client\'s making is none');
is($other->get("/p/php/run.php?PHPSESSID=abcdefabcdef", content =>
    'ini_set("session.use_only_cookies", 0); session_start(); '
    . 'echo json_encode([session_id() === "abcdefabcdef", SID]);')->body,
    '[false,""]', 'neither in a URL');
SxTest::done();
