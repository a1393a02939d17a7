# SPDX-License-Identifier: Apache-2.0
# Around the save handler: an application's own one that calls it, the progress
# of uploads, session.auto_start, php-cgi, and a script in a page of SSI.
use SxTest;

# php-cgi loads the extension, too, and with it a sanitizer's library.
my $preload = join '', map { /^(LD_PRELOAD)=(.*)/
        ? "    SetEnv $1 $2\n    PassEnv ASAN_OPTIONS USE_ZEND_ALLOC\n" : () }
    SxTest::Paths::preload();
my $cgi = (grep { -x } '/usr/bin/php-cgi')[0];
my $s = SxTest::Server->new(scopes => 1, php_ini => '', conf => <<"CONF");
<Location "/p/">
    SessionExt On
    SessionExtPHP On
</Location>
<Location "/cgi/">
    SessionExt On
</Location>
<Location "/run-php-cgi">
    Require env REDIRECT_STATUS
    SessionExt On
    SessionExtPHP On
    SetEnv PHPRC "\${SX_RUN}"
$preload
</Location>
ScriptAlias "/run-php-cgi" "$cgi"
Action run-php-cgi /run-php-cgi
AliasMatch "^/cgi/(\\w+\\.php)\$" "\${SX_T}/apps/\$1"
<LocationMatch "^/cgi/">
    SetHandler run-php-cgi
</LocationMatch>
CONF
$s->start;
my $b;

sub run
{
    my ($code, %opt) = @_;
    return $b->post(($opt{at} || '/p/php/') . 'run.php', content => $code)->body;
}

# --- a handler of the application's own
my $class = <<'PHP';
class Rot13 extends SessionHandler {
    function read($id): string|false { return str_rot13(parent::read($id)); }
    function write($id, $data): bool { return parent::write($id, str_rot13($data)); }
}
ini_set('session.serialize_handler', 'php');
session_set_save_handler(new Rot13, true);
session_start();
PHP
$b = $s->browser;
run("$class \$_SESSION['a'] = [1]; \$_SESSION['b'] = 'x';");
is(run("$class echo json_encode(\$_SESSION);"), '{"a":[1],"b":"x"}',
    'a handler that is built on this one');
is(run("$class \$_SESSION['a'][] = 2; session_regenerate_id(); echo 1;"), '1',
    'changes, and another id');
is(run("$class echo json_encode(\$_SESSION);"), '{"a":[1,2],"b":"x"}', 'are kept');
is(run("$class session_destroy(); echo 1;"), '1', 'and an end');
is($b->get('/p/cgi/app')->env('SESSION_STATUS'), 'none', 'is one');
$b = $s->browser;
is(run('echo "x"; flush();'), 'x', 'a page');
is(run("ob_start(); $class \$_SESSION['late'] = 1; echo str_repeat('x', 9000); "
    . 'ob_end_flush();') =~ /^x+$/ ? 1 : 0, 1, 'that leaves before it ends');
is(run("$class echo json_encode(\$_SESSION);"), '{"late":1}', 'has all of it');

# --- uploads
sub upload
{
    my ($b, $target) = @_;
    my $part = sub { "--xx\r\nContent-Disposition: form-data; name=\"$_[0]\"$_[1]"
        . "\r\n\r\n$_[2]\r\n" };
    my $content = $part->('PHP_SESSION_UPLOAD_PROGRESS', '', 'up')
        . $part->('file', '; filename="f"', 'y' x 300_000) . "--xx--\r\n";
    return $b->post($target, content => $content,
        header => { 'Content-Type' => 'multipart/form-data; boundary=xx' });
}
$s->stop;
$s->write_php_ini("session.upload_progress.enabled = 1\n"
    . "session.upload_progress.cleanup = 0\n"
    . "session.upload_progress.min_freq = 0\nvariables_order = EGPCS\n");
if ($s->{fpm}) {
    $s->{fpm}->stop;
    $s->{fpm}->start;
}
$s->start;
$b = $s->browser;
run('session_start(); $_SESSION["a"] = 1;');
is(upload($b, '/p/php/app.php')->status, 200, 'a file comes');
my $seen = run('session_start(); $p = $_SESSION["upload_progress_up"]; '
    . 'echo json_encode([$p["done"], $p["bytes_processed"] > 300000, '
    . '$p["files"][0]["name"], $_SESSION["a"]]);');
is($seen, '[true,true,"f",1]', 'and the session tells how much of it there is');
is(upload($s->browser, '/p/php/app.php')->status, 200,
    'without a session nobody asks');
is(run('echo getenv("SESSION_EXT_TICKET") === false && !isset('
    . '$_ENV["SESSION_EXT_TICKET"]) ? "hidden" : "found";'), 'hidden',
    'the ticket is hidden, whatever variables there are');

# --- php-cgi
$b = $s->browser;
my $r = $b->post('/cgi/run.php', content => 'session_start(); $_SESSION["n"] = 1; '
    . 'echo PHP_SAPI, json_encode([getenv("SESSION_EXT_TICKET"), '
    . 'isset($_SERVER["SESSION_EXT_TICKET"])]);');
is($r->body, 'cgi-fcgi[false,false]', 'php-cgi runs, and hides its ticket');
is(scalar(my @one = $r->headers('Set-Cookie')), 1, 'with one cookie');
is(run('session_start(); echo ++$_SESSION["n"];', at => '/cgi/'), '2', 'it reads');
is(run('session_start(); session_regenerate_id(); echo ++$_SESSION["n"];',
    at => '/cgi/'), '3', 'and renews');
is(run('session_start(); echo $_SESSION["n"];'), '3', 'what others see, too');
SxTest::done();
