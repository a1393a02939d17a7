# SPDX-License-Identifier: Apache-2.0
# Another id and no session, by PHP's own functions: what they do to the record,
# to the cookie and to those who come late.
use SxTest;
use SxTest::Php qw(script server);

my $s = server();

sub begin
{
    my $b = $s->browser;
    script($b, 'session_start(); $_SESSION["n"] = 1;');
    return $b;
}

sub sent { return scalar(my @lines = $_[0]->headers('Set-Cookie')) }
my $read = 'session_start(); echo json_encode($_SESSION);';

# --- regenerate
my $b = begin();
my $old = $b->clone;
my $r = script($b, 'session_start(); $a = session_id(); $ok = '
    . 'session_regenerate_id(); $_SESSION["m"] = 2; '
    . 'echo json_encode([$ok, $a !== session_id(), strlen(session_id())]);');
is($r->body, '[true,true,32]', 'session_regenerate_id() gives another id');
is(sent($r), 1, 'and with it one cookie');
isnt($b->cookie('sid'), $old->cookie('sid'), 'which is another one');
is(script($b, $read)->body, '{"n":1,"m":2}', 'the data is there under the new one');
is($old->get('/p/cgi/app')->env('SESSION_STATUS'), 'invalid',
    'and the old one is dead at once');
is(script($old, $read)->body, '[]', 'for PHP, too');

$b = begin();
$old = $b->clone;
$r = script($b, 'session_start(); echo json_encode('
    . '[session_regenerate_id(true), session_regenerate_id(true)]);');
is($r->body, '[true,true]', 'twice, and the old one deleted: true');
is(script($b, $read)->body, '{"n":1}', 'which deletes no data');
is($old->get('/p/cgi/app')->env('SESSION_STATUS'), 'invalid', 'but the old id');

# --- a log-in renews by itself
$b = begin();
$old = $b->clone;
$r = script($b, 'session_start(); $_SESSION["user"] = "ann";');
is(sent($r), 1, 'whoever logs in gets another id without asking');
is($b->get('/p/cgi/app')->env('SESSION_USER'), 'ann', 'and is logged in');
is($old->get('/p/cgi/app')->env('SESSION_STATUS'), 'invalid', 'once');

# --- destroy
$b = begin();
$old = $b->clone;
$r = script($b, 'session_start(); var_dump(session_destroy());');
is($r->body, "bool(true)\n", 'session_destroy() is done');
like(($r->headers('Set-Cookie'))[0] // '', qr/^sid=;.*Max-Age=0/i,
    'and the client told to forget');
is($old->get('/p/cgi/app')->env('SESSION_STATUS'), 'invalid',
    'whoever still has the cookie has no session');
is(script($old, $read)->body, '[]', 'nor has PHP');

$b = begin();
$r = script($b, 'session_start(); session_destroy(); session_start(); '
    . '$_SESSION["new"] = 1; echo json_encode($_SESSION);');
is($r->body, '{"new":1}', 'destroyed and begun anew, it is empty');
is(sent($r), 1, 'one cookie');
is(script($b, $read)->body, '{"new":1}', 'of the new one');

# --- the manual's log-out
$b = begin();
$old = $b->clone;
$r = script($b, <<'PHP');
session_start();
$_SESSION = [];
if (ini_get("session.use_cookies")) {
    $p = session_get_cookie_params();
    setcookie(session_name(), '', time() - 42000,
        $p["path"], $p["domain"], $p["secure"], $p["httponly"]);
}
setcookie('other', 'stays');
session_destroy();
PHP
is($r->body, '', 'the log-out of the manual says nothing');
my @lines = $r->headers('Set-Cookie');
is(scalar(grep { /^sid=;/ } @lines), 1, 'deletes the cookie');
is(scalar(grep { /PHPSESSID/ } @lines), 0, 'names none that is not there');
is(scalar(grep { /^other=stays/ } @lines), 1, 'and leaves others alone');
is($old->get('/p/cgi/app')->env('SESSION_STATUS'), 'invalid', 'it is out');

$b = begin();
$old = $b->clone;
$r = script($b, 'setcookie(session_name(), "", time() - 3600);');
is($old->get('/p/cgi/app')->env('SESSION_STATUS'), 'invalid',
    'a cookie that is to be forgotten is a session that has ended');
$b = begin();
$r = script($b, 'session_start(); setcookie(session_name(), session_id(), time() + 9);');
is(sent($r), 0, 'a cookie of that name that is not to be forgotten is dropped');
is(script($b, $read)->body, '{"n":1}', 'and nothing else');

# --- too late
$b = begin();
$r = script($b, 'session_start(); echo "x"; flush(); '
    . '$_SESSION["late"] = 1; var_dump(session_regenerate_id());');
like($r->body, qr/Warning: session_regenerate_id\(\).*bool\(false\)/s,
    'when headers are gone an id stays');
is(script($b, $read)->body, '{"n":1,"late":1}', 'and what comes with it is saved');
$r = script($b, 'session_start(); echo "x"; flush(); var_dump(session_destroy());');
like($r->body, qr/Warning: session_destroy\(\).*headers.*bool\(false\)/s,
    'when headers are gone so is the chance to delete the cookie');
is(sent($r), 0, 'which stays');
is($b->get('/p/cgi/app')->env('SESSION_STATUS'), 'invalid',
    'and leads nowhere: who logs out is out');
$b = begin();
$r = script($b, 'session_start(); echo "x"; flush(); $_SESSION["late"] = 1;');
is($r->body, 'x', 'data that comes late');
is(script($b, $read)->body, '{"n":1,"late":1}', 'is there all the same');

# --- a slow request and a log-out
$b = begin();
my $slow = $b->start('/p/php/run.php', method => 'POST', content =>
    'session_start(["read_and_close" => true]); usleep(600000); '
    . 'ini_set("session_ext.concurrency", "merge"); session_start(); '
    . '$_SESSION["slow"] = 1; echo "done";');
select undef, undef, undef, 0.3;
my $other = $b->clone;
script($other, 'session_start(); session_destroy();');
is($slow->finish->body, 'done', 'a request that was slower than a log-out ends');
is($old->get('/p/cgi/app')->env('SESSION_STATUS'), 'invalid',
    'and revives nothing');
SxTest::done();
