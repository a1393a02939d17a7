# SPDX-License-Identifier: Apache-2.0
# $_SESSION in the sessions of httpd: what PHP writes the next request reads,
# PHP or not, with the one cookie that httpd owns.
use SxTest;
use SxTest::Php qw(script server);

my $s = server();
my $b = $s->browser;

sub run { return script($b, @_) }

my $r = run('session_start(); $_SESSION["cart"] = 3; $_SESSION["name"] = "Ann";'
    . ' $_SESSION["list"] = [1, 2]; echo session_id();');
is($r->status, 200, 'a script that starts a session is answered');
like($r->body, qr/^[0-9a-f]{32}$/, 'and has an id to show');
my @cookies = $r->headers('Set-Cookie');
is(scalar @cookies, 1, 'one cookie is sent');
like($cookies[0], qr/^sid=[\w-]{48};/, 'which is that of httpd');
unlike($r->raw_head, qr/Session-Ext-Reply/i, 'the reply to httpd stays there');
unlike($r->body . $cookies[0], qr/PHPSESSID/, 'PHP sends no cookie of its own');

$r = run('session_start(); echo json_encode($_SESSION);');
is($r->body, '{"cart":3,"name":"Ann","list":[1,2]}', 'the next script reads it');
is(scalar(my @again = $r->headers('Set-Cookie')), 0, 'without another cookie');

$r = $b->get('/p/cgi/app', h => ['Session-Set: name=Bob']);
is($r->env('SESSION_VAR_cart'), '3', 'a CGI program reads it, too');
is($r->env('SESSION_ENV_OMITTED'), 'list', 'and is told what only PHP can read');
$r = run('session_start(); echo json_encode($_SESSION);');
is($r->body, '{"cart":3,"name":"Bob","list":[1,2]}',
    'and PHP reads what that one writes');
SxTest::done();
