# SPDX-License-Identifier: Apache-2.0
# What cannot be stored, and what cannot be read: a warning, the session as it
# was, and a script that goes on.
use SxTest;
use SxTest::Php qw(script);
use SxTest::Segment;

my $s = SxTest::Server->new(scopes => 1, php_ini => '', conf => <<'CONF');
ShmStore sessions size=16m
<Location "/p/">
    SessionExt On
    SessionExtPHP On
    SessionExtMaxSize 4k
</Location>
<Location "/clear/">
    SessionExt On
    SessionExtPHP On
    SessionExtEncrypt Off
</Location>
CONF
$s->write_conf($s->{conf} =~ s/^ShmStore.*\n//mr);
$s->start;
my $b = $s->browser;

sub run { return script($b, @_)->body }

my $read = 'session_start(); echo json_encode($_SESSION);';
run('session_start(); $_SESSION["a"] = 1;');

# --- over a limit
sub refused
{
    my ($set, $what, $label) = @_;
    my $said = run("ob_start(); session_start(); \$_SESSION['b'] = 2; $set; "
        . 'var_dump(session_write_close());');
    like($said, qr/Warning: [^\n]*$what[^\n]*\n.*bool\(false\)/s,
        "$label: a warning that says so, and false");
    is(run($read), '{"a":1}', 'and the session is what it was');
    return;
}
refused('$_SESSION["big"] = str_repeat("x", 5000)',
    q{'big' of 5000 bytes .* allows 4096}, 'a value that is too large');
refused('$_SESSION[str_repeat("k", 200)] = 1',
    'name of the key .*kkk.* 200 bytes; accepted are 128', 'a name that is too long');
refused('$_SESSION[""] = 1', 'no name', 'no name');
refused('for ($i = 0; $i < 1100; $i++) $_SESSION["k$i"] = 1', '1024',
    'too many keys');
is(run('session_start(); $_SESSION["c"] = str_repeat("x", 5000); '
    . 'echo "on";') =~ /^on/ ? 'on' : '', 'on', 'the script goes on');
$b->get('/p/cgi/app', h => ['Session-Set: x=' . 'y' x 3000]);
is(run('ob_start(); session_start(); $_SESSION["z"] = str_repeat("z", 2000); '
    . 'unset($_SESSION["x"]); var_dump(session_write_close());'), "bool(true)\n",
    'what goes makes room for what comes');

# --- damaged values
sub damaged
{
    my ($value, $label) = @_;
    $b = $s->browser;
    run('session_start(); $_SESSION["ok"] = 1; $_SESSION["o"] = [1];');
    $b->get('/p/cgi/app', h => ["Session-Set: o=$value"]);
    return run($read);
}
is(damaged('text'), '{"ok":1,"o":"text"}', 'what CGI writes over a value is text');
for my $blob ('v', 'va:1:{i:0;', 'vO:8:"stdClass":1:{s:1:"a";i:', 'x', '', 'v}',
    'ui:1;', 'ua:0:{}', 'm', 'mnothing', "v\0", 'vi:1;i:2;',
    'vO:16:"SimpleXMLElement":0:{}', 'vC:3:"Foo":3:{abc}', 'vR:1;', 'vr:9;',
    'va:1:{i:0;R:1;}')
{
    $b = $s->browser;
    run('ini_set("session.serialize_handler", "session_ext"); session_start(); '
        . '$_SESSION["ok"] = 1;');
    my $wire = "\1\4" . pack('VV', 1, length $blob) . "o$blob";
    my $hex = unpack 'H*', $wire;
    my $said = run('session_start(); try { echo json_encode(session_decode('
        . "hex2bin('$hex'))); } catch (Throwable \$e) { echo 'thrown'; } echo 'on';");
    like($said, qr/on$/, 'a damaged value harms nobody: ' . unpack('H*', $blob));
    is(run('session_start(); echo $_SESSION["ok"] ?? 1;'), '1',
        'and the session is there');
}
for my $junk ('', "\1", "\1\4", 'x', "\1\7\1\0\0\0\0\0\0\0k",
    "\1\0\377\377\377\377\0\0\0\0k", "\1\1\1\0\0\0\1\0\0\0kx")
{
    $b = $s->browser;
    run('session_start(); $_SESSION["ok"] = 1;');
    my $hex = unpack 'H*', $junk;
    like(run("session_start(); echo json_encode(session_decode(hex2bin('$hex'))); "
        . 'echo "on";'), qr/on$/, "session_decode() of junk harms nobody: $hex");
}

# --- a record that does not open
$b = $s->browser;
run('session_start(); $_SESSION["a"] = 1;');
my $sid = $b->cookie('sid');
my $clear = $s->browser;
$b = $clear;
run('session_start(); $_SESSION["mark"] = "findmehere";', at => '/clear');
my $file = $s->runtime_dir . '/session_ext-sessions.shm';
open my $segment, '+<:raw', $file or die "$file: $!\n";
my $bytes = do { local $/; <$segment> };
my $at = index $bytes, 'findmehere';
cmp_ok($at, '>', 0, 'a value that is not sealed lies in the store');
seek $segment, $at, 0;
print $segment 'somethings';
close $segment;
is(run($read, at => '/clear'), '[]', 'a record that was changed is no session');
is(run('session_start(); $_SESSION["n"] = 1; echo "on";', at => '/clear'), 'on',
    'and a new one begins');

# --- all of it
open $segment, '+<:raw', $file or die "$file: $!\n";
seek $segment, 0, 0;
print $segment "\377" x (1 << 20) for 1 .. 15;
close $segment;
like(run('var_dump(session_start()); echo "on";'), qr/on$/,
    'a store that was overwritten: the script goes on');
SxTest::done();
