# SPDX-License-Identifier: Apache-2.0
# What a module of httpd keeps to itself, PHP neither sees nor takes away.
use SxTest;
use SxTest::ModSession qw(server log_in on form);
use SxTest::Php qw(script);

my $s = server("<Location \"/open/php/\">\nSessionExtPHP On\n</Location>\n",
    php_ini => '');
$s->start;
my $b = $s->browser;

sub run { return script($b, @_, at => '/open')->body }

log_in($b, 'ann', field => { httpd_location => '/open/cgi/app' });
run('session_start(); $_SESSION["cart"] = 3;');
is($b->get('/open/cgi/app')->env('SESSION_ENV_OMITTED'), 'Shop-pw',
    'mod_auth_form keeps a password');
is(run('session_start(); echo json_encode($_SESSION);'),
    '{"Shop-user":"ann","cart":3}', 'PHP sees who it is, and no password');
run('session_start(); $_SESSION = ["cart" => 4];');
is($b->get('/open/cgi/app')->env('SESSION_ENV_OMITTED'), 'Shop-pw',
    'and what it clears is only what it sees');
is($b->get('/open/cgi/app')->env('SESSION_DATA'), 'cart=4', 'that is cleared');
SxTest::done();
