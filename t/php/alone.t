# SPDX-License-Identifier: Apache-2.0
# Without httpd in front: PHP's own server and the command line make a store,
# and the extension sends its own cookie.
use SxTest;
use File::Temp qw(tempdir);
use SxTest::Daemon;

my $dir = tempdir('sxt-XXXXXX', DIR => SxTest::Paths::scratch_root(), CLEANUP => 1);
my @php = (SxTest::Paths::preload(), 'php', '-d', 'extension=' . SxTest::Paths::php_extension(),
    map { ('-d', $_) } 'session.save_handler=session_ext',
    "session_ext.store_file=$dir/store", "session_ext.key_file=$dir/keys",
    'session_ext.store_size=4194304', 'display_errors=1', 'html_errors=0',
    'display_startup_errors=1', 'log_errors=0');

sub cli
{
    my ($code, @more) = @_;
    open my $out, '-|', @php, @more, '-r', $code or die "php: $!\n";
    local $/;
    return <$out>;
}

is(cli('session_start(); $_SESSION["a"] = [1]; session_write_close(); '
    . 'session_start(); echo json_encode($_SESSION);'), '{"a":[1]}',
    'on the command line a store is made, and a session is kept');
is((stat "$dir/store")[2] & 0777, 0600, 'which is closed to others');
is((stat "$dir/keys")[2] & 0777, 0600, 'as its keys are');
is(cli('echo ini_get("session_ext.concurrency"), '
    . 'ini_set("session_ext.concurrency", "merge"), '
    . 'ini_get("session_ext.concurrency");'), 'locklockmerge',
    'a script chooses between lock and merge');
like(cli('var_dump(ini_set("session_ext.concurrency", "both"));'),
    qr/session_ext\.concurrency: 'both': accepted are lock and merge.*false/s,
    'and nothing else');
like(cli('echo ini_get("session_ext.idle_timeout");', '-d',
    'session_ext.idle_timeout=soon'),
    qr/session_ext\.idle_timeout: 'soon': accepted are seconds.*1800/s,
    'a time that is none is told, and the default stays');
is(cli('session_start(); $_SESSION["a"] = 1; session_destroy(); session_start(); '
    . 'echo json_encode($_SESSION), session_gc();'), '[]0',
    'a session is destroyed, and nothing was left to sweep');
like(cli('var_dump(session_start());', '-d', "session_ext.store_file=$dir/no/store"),
    qr/Warning.*no\/store.*bool\(false\)/s, 'where there is no place there is none');
like(cli('var_dump(session_start());', '-d', "session_ext.store_file="),
    qr/Warning.*no store file is named.*bool\(false\)/s, 'nor without a name');
open my $bad, '>', "$dir/bad.keys" or die;
print $bad "not a key\n";
close $bad;
chmod 0600, "$dir/bad.keys";
like(cli('var_dump(session_start());', '-d', "session_ext.key_file=$dir/bad.keys"),
    qr/Warning.*bad\.keys.*line 1.*bool\(false\)/s, 'a bad key file is told');

# --- PHP's own server
my $server = SxTest::Daemon->start(name => 'php',
    dir => SxTest::t_dir() . '/apps', log => "$dir/log",
    command => [@php, '-S', '127.0.0.1:PORT']);
my $b = SxTest::Browser->new(port => $server->port);

sub run
{
    my ($code, %opt) = @_;
    return $b->post('/run.php', content => $code, %opt);
}

my $r = run('session_start(); $_SESSION["n"] = 1;');
my @cookies = $r->headers('Set-Cookie');
is(scalar @cookies, 1, "PHP's own server sends one cookie");
like($cookies[0], qr/^sid=[\w-]{48}; Path=\/; HttpOnly; SameSite=Lax$/i,
    'with safe attributes');
is($r->header('Session-Ext-Reply'), undef, 'and nothing that is for httpd');
is(run('session_start(); echo ++$_SESSION["n"];')->body, '2', 'it leads back');
my $old = $b->clone;
$r = run('session_start(); session_regenerate_id(); echo ++$_SESSION["n"];');
is($r->body, '3', 'with another id');
isnt($b->cookie('sid'), $old->cookie('sid'), 'in another cookie');
is($old->post('/run.php', content => 'session_start(); '
    . 'echo json_encode($_SESSION);')->body, '[]', 'the old one is dead');
is(run('session_start(); echo json_encode([$_COOKIE["PHPSESSID"] === '
    . 'session_id(), isset($_COOKIE["sid"])]);')->body, '[true,true]',
    'apps find a cookie by its name');
$r = run('session_ext_flash("info", "hi");');
is(run('echo json_encode(session_ext_flash_messages());')->body,
    '[{"level":"info","text":"hi"}]', 'messages are for the next page');
is(run('echo json_encode(session_ext_flash_messages());')->body, '[]', 'once');
$r = run('session_start(); session_destroy();');
like(($r->headers('Set-Cookie'))[0], qr/^sid=;.*Max-Age=0/i, 'and it is gone');
is(scalar(my @none = run('echo "x";')->headers('Set-Cookie')), 0,
    'a page without a session has no cookie');

# --- and two of them, on one store: requests of a session take turns, too
my $other = SxTest::Daemon->start(name => 'php',
    dir => SxTest::t_dir() . '/apps', log => "$dir/log2",
    command => [@php, '-S', '127.0.0.1:PORT']);
$b = SxTest::Browser->new(port => $server->port);
run('session_start(); $_SESSION["n"] = 0;');
my $cookie = $b->cookie('sid');
SxTest::parallel(2, sub {
    my $port = (shift) % 2 ? $server->port : $other->port;
    my $mine = SxTest::Browser->new(port => $port);
    $mine->post('/run.php', header => { Cookie => "sid=$cookie" },
        content => 'session_start(); $n = $_SESSION["n"]; usleep(3000); '
        . '$_SESSION["n"] = $n + 1;') for 1 .. 20;
    return 1;
});
is(run('session_start(); echo $_SESSION["n"];')->body, '40',
    'forty requests that read, add and write count to forty');
$_->stop for $other, $server;
SxTest::done();
