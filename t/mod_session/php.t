# SPDX-License-Identifier: Apache-2.0
# PHP on a session in which mod_auth_form keeps its log-in: it has who is logged
# in, not by which password, and what it writes leaves the log-in as it is.
use SxTest;
use SxTest::ModSession qw(server log_in on form $PASSWORD);

my $s = server("<Location \"/p/\">\n" . on(form('SessionExtPHP On',
    'Require valid-user')) . "</Location>\n", php_ini => '');
$s->start;
my $b = $s->browser;
log_in($b, 'ann');

sub run
{
    my ($code) = @_;
    return $b->post('/p/php/run.php', content => "session_start(); $code")->body;
}

is(run('echo json_encode($_SESSION);'), '{"Shop-user":"ann"}',
    'PHP has the user, and neither a password nor a warning about it');
is(run('$_SESSION = ["cart" => 3, "Shop-user" => $_SESSION["Shop-user"]];'), '',
    'it sets all that it knows of anew');
is(run('echo json_encode($_SESSION);'), '{"Shop-user":"ann","cart":3}',
    'which is there, and she is logged in as before');
is(run('session_destroy();'), '', 'it ends the session');
is($b->get('/form/cgi/app')->status, 401, 'and with it the log-in');
SxTest::done();
