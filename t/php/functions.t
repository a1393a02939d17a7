# SPDX-License-Identifier: Apache-2.0
# The extension's own functions: what they do, with and without a session that
# the script has open, and that PHP knows them as the stub has them.
use SxTest;
use SxTest::Php qw(script server);

my $s = server();
my $b = $s->browser;

sub run { return script($b, @_)->body }

# --- counters
is(run('echo session_ext_incr("n");'), '1', 'a key that is not there counts as 0');
is(run('echo session_ext_incr("n", 10), session_ext_incr("n", -1);'), '1110',
    'by more, and by less');
is($b->get('/p/cgi/app')->env('SESSION_VAR_n'), '10', 'it is a number for all');
is(run('session_start(); $_SESSION["x"] = "y"; session_ext_incr("n"); '
    . 'var_dump($_SESSION["n"]); $_SESSION["n"] += 5;'), "int(11)\n",
    'what the script has in hand goes along');
is(run('session_start(); echo json_encode($_SESSION);'), '{"n":16,"x":"y"}',
    'and can be changed');
is(run('session_start(); session_ext_incr("n"); $_SESSION["z"] = 1;'), '', 'not so');
is(run('session_start(); echo $_SESSION["n"];'), '17', 'it is what was counted');
like(run('session_start(); var_dump(session_ext_incr("x"));'),
    qr/Warning.*does not hold an integer.*bool\(false\)/s, 'a text is no number');
like(run('try { session_ext_incr(""); } catch (ValueError $e) { echo "no"; }'),
    qr/^no$/, 'nor is nothing a name');
like(run('var_dump(session_ext_incr("n", PHP_INT_MAX));'),
    qr/Warning.*64 bits.*bool\(false\)/s, 'a sum that does not fit is refused');

# --- messages
is(run('var_dump(session_ext_flash("info", "one & two"));'), "bool(true)\n",
    'a message is queued');
is(run('session_ext_flash("warning", "three"); echo "x"; flush(); '
    . 'session_ext_flash("info", "late");'), 'x', 'and others, one late');
my $show = 'echo json_encode(session_ext_flash_messages());';
is(run($show), '[{"level":"warning","text":"three"},'
    . '{"level":"info","text":"late"}]', 'the page after that has both');
is(run($show), '[]', 'once');
like(run('try { session_ext_flash("No Level", "x"); } '
    . 'catch (ValueError $e) { echo $e->getMessage(); }'), qr/1 to 32 letters of a-z/,
    'a level is a word');
run('session_start(); session_ext_flash("info", "a"); $_SESSION["m"] = 1;');
is(run('session_start(); echo $_SESSION["m"]; ' . $show),
    '1[{"level":"info","text":"a"}]', 'a message beside data');

# --- log-out
run('session_start(); $_SESSION["user"] = "ann";');
my $phone = $s->browser;
my $laptop = $b;
$b = $phone;
run('session_start(); $_SESSION["user"] = "ann";');
is(run('var_dump(session_ext_logout("others"));'), "bool(true)\n", 'the others go');
is($laptop->get('/p/cgi/app')->env('SESSION_STATUS'), 'invalid', 'they have gone');
is($phone->get('/p/cgi/app')->env('SESSION_USER'), 'ann', 'this one stays');
$b = $laptop;
run('session_start(); $_SESSION["user"] = "ann";');
is(run('session_start(); echo json_encode([session_ext_logout(), session_status()]);'),
    '[true,1]', 'all go, and the script has none any more');
is($phone->get('/p/cgi/app')->env('SESSION_STATUS'), 'invalid', 'the other one');
is($laptop->get('/p/cgi/app')->env('SESSION_STATUS'), 'none', 'and its own');
run('session_start(); $_SESSION["user"] = "ann";');
like(run('echo "x"; flush(); var_dump(session_ext_logout());'),
    qr/Warning.*headers.*bool\(false\)/s, 'behind the headers the cookie stays');
is($laptop->get('/p/cgi/app')->env('SESSION_STATUS'), 'invalid',
    'and who logs out is out');
like(run('try { session_ext_logout("some"); } catch (ValueError $e) '
    . '{ echo $e->getMessage(); }'), qr/"all" or "others"/, 'who goes is one of two');

# --- as the stub has them
my $stub = SxTest::Paths::top_dir() . '/mod_session_ext/php/session_ext.stub.php';
open my $in, '<', $stub or die "$stub: $!\n";
my @stub = map { /^(function .*) \{\}$/ ? $1 : () } <$in>;
cmp_ok(scalar @stub, '==', 4, 'the stub has four');
my $shown = run(<<'PHP');
$e = new ReflectionExtension('session_ext');
foreach ($e->getFunctions() as $f) {
    $list = [];
    foreach ($f->getParameters() as $p) {
        $list[] = $p->getType() . ' $' . $p->getName() . ($p->isOptional()
            ? ' = ' . str_replace("'", '"', var_export($p->getDefaultValue(), true))
            : '');
    }
    $type = (string)$f->getReturnType();
    echo 'function ', $f->getName(), '(', implode(', ', $list), '): ', $type, "\n";
}
PHP
is_deeply([sort split /\n/, $shown], [sort @stub],
    'PHP knows them as the stub has them');
SxTest::done();
