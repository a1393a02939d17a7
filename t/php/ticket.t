# SPDX-License-Identifier: Apache-2.0
# What goes between httpd and PHP: no script finds the ticket, no client the
# reply, and neither is taken from anybody else.
use SxTest;
use SxTest::Php qw(script server);

my $s = server(<<'CONF');
<Location "/other/">
    SessionExt On
    SessionExtPHP On
    SessionExtNamespace other
</Location>
<Location "/without/">
    SessionExt On
</Location>
<Location "/nothing/">
    SessionExtPHP On
</Location>
CONF
my $b = $s->browser;

sub run { return script($b, @_) }

run('session_start(); $_SESSION["a"] = 1;');
my $look = 'foreach ([getenv(), $_SERVER, $_ENV, '
    . 'function_exists("apache_getenv") ? [apache_getenv("SESSION_EXT_TICKET"), '
    . 'apache_getenv("session_ext_ticket")] : []] as $all) '
    . 'foreach ($all as $k => $v) if ($k === "SESSION_EXT_TICKET" || '
    . '(is_string($v) && preg_match("/^[0-9a-f]*\.[\w-]{300}/", $v))) echo "$k=$v\n"; '
    . 'var_dump(getenv("SESSION_EXT_TICKET"), getenv("session_ext_ticket")); ';
is(run($look)->body, "bool(false)\nbool(false)\n", 'no script finds the ticket');
is(run("session_start(); $look")->body, "bool(false)\nbool(false)\n",
    'nor with a session');
my $info = run('ob_start(); phpinfo(); echo preg_match("/SESSION_EXT_TICKET\D*'
    . '[\w-]{40}/", ob_get_clean());')->body;
is($info, '0', 'nor does phpinfo() show it');
my $seen = $b->get('/p/cgi/app')->env('SESSION_EXT_TICKET');
like($seen, qr/^[0-9a-f]{32}\.[\w-]{200,}$/, 'another app has one, and cannot read it');
is($b->get('/without/cgi/app')->env('SESSION_EXT_TICKET'), undef,
    'where it is not said there is none');
is($b->get('/nothing/cgi/app')->env('SESSION_EXT_TICKET'), undef,
    'nor without sessions');
is($b->get('/p/static/1k.txt')->status, 200, 'a file needs none');
like($s->browser->get('/p/cgi/app')->env('SESSION_EXT_TICKET'), qr/^\./,
    'that of a visitor without a session says so');

# --- replies
my $mark = $s->log_mark;
my $r = run('header("Session-Ext-Reply: junk"); echo "x";');
is($r->header('Session-Ext-Reply'), undef, 'what is no reply leaves nowhere');
like($s->error_log_since($mark), qr/Session-Ext-Reply was dropped/, 'and is told');
for my $where ('/without', '/off', '/nothing') {
    $r = $b->get("$where/cgi/app", h => ['Session-Ext-Reply: junk']);
    is($r->header('Session-Ext-Reply'), undef, "nor where sessions are, $where");
}
$r = run('session_start(); $_SESSION["a"] = 2; header("Session-Ext-Reply: junk"); '
    . 'session_regenerate_id();');
is(scalar(my @one = $r->headers('Set-Cookie')), 1,
    'what a script sends under that name does not stand in the way');
$r = $s->browser->get('/p/php/run.php',
    header => { 'Session-Ext-Ticket' => 'x', 'SESSION_EXT_TICKET' => 'x' });
is($r->status, 200, 'what a client sends is nothing');

# --- scopes
$r = run('var_dump(session_start()); echo "on";', at => '/without');
like($r->body, qr/Warning.*SessionExtPHP is not on.*bool\(false\)\non$/s,
    'where httpd has a session and hands out none, PHP makes no other one');
my $o = run('session_start(); echo json_encode($_SESSION);', at => '/other');
is($o->body, '[]', 'another namespace is another session');
is(scalar(my @two = $o->headers('Set-Cookie')), 1, 'with its cookie');

# --- another store
sub with_settings
{
    my ($lines) = @_;
    $s->stop;
    $s->write_php_ini($lines);
    if ($s->{fpm}) {
        $s->{fpm}->stop;
        $s->{fpm}->start;
    }
    $s->start;
    $b = $s->browser;
    return run('var_dump(session_start()); echo "on";');
}
my $dir = $s->runtime_dir;
$r = with_settings("session_ext.store_file = $dir/other.shm\n"
    . "session_ext.store_size = 4194304\n");
my $both = qr{other\.shm\sis\snot.*\Q$dir\E/session_ext-sessions\.shm};
like($r->body, qr{Warning.*$both.*bool\(false\)\non$}s, 'where PHP has another store, it says which is whose');

# --- keys that PHP does not know
$r = with_settings("session_ext.key_file = $dir/none.keys\n");
like($r->body, qr/Warning.*none\.keys.*bool\(false\)\non$/s,
    'without keys there is no session, and a warning, and the script goes on');
is(scalar(my @none = $r->headers('Set-Cookie')), 0, 'and no cookie');
SxTest::done();
