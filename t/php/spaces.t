# SPDX-License-Identifier: Apache-2.0
# Two applications on one host: a session.name that is not PHP's default has
# keys of its own, in the one session and with the one cookie.
use SxTest;
use SxTest::Php qw(script server);

my $s = server();
my $b = $s->browser;

sub run { return script($b, @_)->body }

my $wiki = 'session_name("wiki"); session_start(); ';
my $shop = 'session_start(); ';
run($wiki . '$_SESSION["user"] = "ann"; $_SESSION["@x"] = [1];');
run($shop . '$_SESSION["user"] = "bob"; $_SESSION["@wiki:no"] = 1;');
my $id = $b->cookie('sid');
is(run($wiki . 'echo json_encode($_SESSION);'), '{"user":"ann","@x":[1]}',
    'one application has its keys');
is(run($shop . 'echo json_encode($_SESSION);'), '{"user":"bob","@wiki:no":1}',
    'the other has others');
is($b->get('/p/cgi/app')->env('SESSION_USER'), 'bob',
    'the user of httpd is that of the default name');
is($b->get('/p/cgi/app')->env('SESSION_DATA'),
    '%40wiki%3Auser=ann&user=bob&%40%3A%40wiki%3Ano=1', 'all are in one session');
run($wiki . 'session_unset(); $_SESSION["n"] = 1;');
is(run($shop . 'echo json_encode($_SESSION);'), '{"user":"bob","@wiki:no":1}',
    'who clears his own clears nobody else\'s');
my $old = $b->clone;
is(run($wiki . 'var_dump(session_destroy());'), "bool(true)\n", 'one logs out');
isnt($b->cookie('sid'), $old->cookie('sid'), 'the id is another one');
is(run($wiki . 'echo json_encode($_SESSION);'), '[]', 'it has nothing left');
is(run($shop . 'echo $_SESSION["user"];'), 'bob', 'and the other still has its user');
is(run('session_name("wiki"); echo session_ext_incr("hits", 2);'), '2',
    'counters are of a name, too');
is(run($wiki . 'echo json_encode($_SESSION);'), '{"hits":2}', 'that one');
is(run($wiki . '$_SESSION[str_repeat("k", 125)] = 1; echo 1;') =~ /accepted are 122/
    ? 1 : 0, 1, 'and what is before a key counts as a part of it');
$b = $s->browser;
run($wiki . '$_SESSION["a"] = 1;');
run($wiki . 'session_destroy();');
is($b->get('/p/cgi/app')->env('SESSION_STATUS'), 'none',
    'who was the only one ends it all');

# --- a cookie of that name
my $asks = 'session_name("wiki"); $c = $_COOKIE["wiki"] ?? "none"; '
    . 'session_start(); echo $c, " ", session_id();';
$b = $s->browser;
like(run($asks), qr/^none \w{32}$/, 'who comes without a session has no cookie');
like(run($asks), qr/^(\w{32}) \1$/,
    'who has one has it under the name that the application gives it');
like(run('$_COOKIE["wiki"] = "mine"; ' . $asks), qr/^mine /,
    'unless there is a cookie of that name');
is(run('unset($_COOKIE); session_name("wiki"); echo "on";'), 'on',
    'and not where there are no cookies any more');
SxTest::done();
