# SPDX-License-Identifier: Apache-2.0
# Where httpd and PHP are one process they hand each other the session, as soon
# as they know of each other; elsewhere they send it. Nobody sees a difference:
# the environment is whole, also where PHP has no page, and what a script
# includes has a session of its own scope.
use SxTest;
use SxTest::Php qw(script server);

# One process, so that they do know of each other from the second request on.
my $s = server(<<'CONF', start => 1);
<IfModule mpm_prefork_module>
    MinSpareServers 1
    MaxSpareServers 1
    MaxRequestWorkers 1
</IfModule>
<Location "/p/">
    Header always set X-Seen "%{SESSION_VAR_n}e"
    # Then all of the environment is ours, until PHP begins.
    UnsetEnv SXTEST_BARRIERS
</Location>
CONF
my $b = $s->browser;
my $env = '[$_SERVER["SESSION_VAR_n"] ?? "", getenv("SESSION_VAR_n"), '
    . '$_SERVER["SESSION_STATUS"], isset($_SERVER["SERVER_NAME"]), '
    . 'count(array_filter(array_keys($_SERVER), '
    . 'fn($k) => str_starts_with($k, "SESSION_"))) > 8]';

script($b, 'session_start(); $_SESSION["n"] = 0;');
for my $n (0 .. 7) {
    my $r = script($b, "session_start(); echo \$_SESSION['n']++, ' ', "
        . "json_encode($env);");
    is($r->body, qq($n ["$n","$n","active",true,true]),
        "request $n has the session, and all of the environment");
    is($r->header('X-Seen'), $n, 'which others find, too');
}
my $r = $b->get('/p/php/nowhere.php');
is($r->status, 404, 'where there is no page there is none');
is($r->header('X-Seen'), '8', 'and the environment is as it was');
$r = $b->get('/p/static/1k.txt');
is($r->header('X-Seen'), '8', 'as with a file');

# --- parts of a page, where PHP can ask httpd for one
my $include = 'if (function_exists("virtual")) { echo "["; '
    . 'virtual("/p/cgi/app"); echo "]"; } else { echo "[SESSION_VAR_n=8]"; }';
$r = script($b, "session_start(); $include echo 'n=', \$_SESSION['n']++;");
like($r->body, qr/\[.*SESSION_VAR_n=8.*\]n=8$/s,
    'a part of the page has its environment, and the page its session');
$r = script($b, 'session_start(); if (function_exists("virtual")) '
    . 'virtual("/p/php/app.php"); $_SESSION["late"] = $_SESSION["n"];');
is(script($b, 'session_start(); echo $_SESSION["late"];')->body, '9',
    'also one of PHP, and what comes behind it is kept');
my $v = $s->browser;
script($v, 'if (function_exists("virtual")) virtual("/p/php/app.php"); '
    . 'session_ext_incr("n");', at => '/off');
is(script($b, 'session_start(); echo $_SESSION["n"];')->body, '9',
    'a page outside of it takes no session of its part');
SxTest::done();
