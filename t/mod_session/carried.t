# SPDX-License-Identifier: Apache-2.0
# The same over sessions that their cookies carry: log-in, change and log-out.
use MIME::Base64 qw(decode_base64);
use SxTest;
use SxTest::Keys;
use SxTest::ModSession qw(server log_in $PASSWORD);

my $s = server("SessionExtStore cookie\nSessionExtKeyFile run/keys\n"
    . "SessionHeader X-Session\n");
SxTest::Keys::put($s->runtime_dir . '/keys', SxTest::Keys::line(1));
$s->start;

my $b = $s->browser;
$b->get('/open/cgi/app', h => ['X-Session: cart=3']);
my $planted = $b->clone;
my $r = log_in($b, 'ann', field => { httpd_location => '/form/cgi/app' });
is(scalar(() = $r->headers('Set-Cookie')), 1, 'a log-in sets one cookie');
my $cookie = $b->cookie('sid');
isnt(substr($cookie, 0, 48), substr($planted->cookie('sid'), 0, 48),
    'with a new id');
my $carried = $cookie =~ s/^[^.]*\.//r;
cmp_ok(length $carried, '>', 100, 'the cookie carries the session');
unlike(decode_base64($carried =~ tr{-_}{+/}r), qr/$PASSWORD/,
    'but shows no password');
is($planted->get('/form/cgi/app')->status, 401, 'the old one is dead');
$r = $b->get('/form/cgi/app', h => ['X-Session: cart=4']);
is($r->env('SESSION_DATA'), 'cart=3&Shop-user=ann', 'who has logged in is in');
is($b->get('/form/cgi/app')->env('SESSION_VAR_cart'), '4', 'and may change it');
my $late = $b->clone;
$b->get('/form/logout');
is($b->get('/open/cgi/app')->env('SESSION_DATA'), 'cart=4',
    'a log-out leaves what is not of the log-in');
is($late->get('/form/cgi/app')->status, 401, 'and is final');
SxTest::done();
