# SPDX-License-Identifier: Apache-2.0
# What PHP puts into $_SESSION comes out again, of each type, and with what its
# keys share; only changed keys are written.
use SxTest;
use SxTest::Php qw(script server);

my $s = server();
my $b = $s->browser;

sub run { return script($b, @_)->body }

# One script sets, the next looks.
sub passes
{
    my ($set, $look, $want, $label) = @_;
    $b = $s->browser;
    my $said = run("session_start(); $set");
    is($said eq '' ? run("session_start(); $look") : $said, $want, $label);
    return;
}

passes('$_SESSION["v"] = ' . $_->[0] . ';', 'var_export($_SESSION["v"]);',
    $_->[1] // $_->[0], "$_->[0] stays what it is")
    for ["''"], ["'0'"], ['0'], ['-7'], [9223372036854775807], ['true'],
        ['false'], ['1.0'], ['0.1'], ['-1.5E-300'], ['1.0E+25'], ['INF'],
        ['-INF'], ['NAN'], ['NULL'], ["'a\0b'", q{'a' . "\0" . 'b'}];
passes('$_SESSION[5] = "x"; $_SESSION["05"] = "y"; $_SESSION["-3"] = "z";',
    'var_dump(array_keys($_SESSION) === [5, "05", -3]);', "bool(true)\n",
    'numbers as keys are numbers');
passes('$_SESSION["a|b"] = 1; $_SESSION["@x"] = 2; $_SESSION["c\0d"] = 3;',
    'echo json_encode($_SESSION);', '{"a|b":1,"@x":2,"c\u0000d":3}',
    'names that PHP itself cannot store');
passes('$_SESSION["a"] = ["x" => [1.5, null, "r:1;"], "y" => new ArrayObject([1])];',
    'echo json_encode([$_SESSION["a"]["x"], $_SESSION["a"]["y"][0]]);',
    '[[1.5,null,"r:1;"],1]', 'arrays and objects');

# --- shared
passes('$o = new stdClass; $o->n = 1; $_SESSION["a"] = $o; $_SESSION["b"] = 2;'
    . ' $_SESSION["c"] = [$o];',
    '$_SESSION["a"]->n++; var_dump($_SESSION["c"][0]->n, $_SESSION["a"] === '
    . '$_SESSION["c"][0]);', "int(2)\nbool(true)\n", 'keys share an object');
is(run('session_start(); echo $_SESSION["c"][0]->n, $_SESSION["b"];'), '22',
    'and what becomes of it is in both');
run('session_start(); unset($_SESSION["a"]);');
is(run('session_start(); echo json_encode($_SESSION);'), '{"b":2,"c":[{"n":2}]}',
    'one of them goes, the other keeps it');
passes('$_SESSION["a"] = 1; $_SESSION["b"] =& $_SESSION["a"]; $_SESSION["c"] = 1;',
    '$_SESSION["b"] = 7; echo json_encode($_SESSION);', '{"a":7,"b":7,"c":1}',
    'keys are one variable');
is(run('session_start(); $_SESSION["a"]++; echo json_encode($_SESSION);'),
    '{"a":8,"b":8,"c":1}', 'and stay one');
passes('$_SESSION["a"] = 1; $x =& $_SESSION["a"]; $_SESSION["s"] = "r:1;";',
    '$_SESSION["a"]++; echo json_encode($_SESSION);', '{"a":2,"s":"r:1;"}',
    'a variable of the script is no key');
passes('$a = [1]; $a["self"] =& $a; $_SESSION["a"] = $a; $_SESSION["b"] = [2];',
    'echo count($_SESSION["a"]), $_SESSION["a"]["self"]["self"][0], '
    . '$_SESSION["b"][0];', '212', 'an array that has itself');
passes('$o = new stdClass; $_SESSION["x"] = [[$o, "s:9;", $o], $o]; '
    . '$_SESSION["y"] = ["k" => 1.5, "z" => [true, null]]; $_SESSION["z"] = $o;',
    'var_dump($_SESSION["x"][0][2] === $_SESSION["z"], $_SESSION["y"]["k"]);',
    "bool(true)\nfloat(1.5)\n", 'numbers of values are counted right');
my $class = 'class P implements Serializable { public $o; function serialize() '
    . '{ return serialize($this->o); } function unserialize($s) '
    . '{ $this->o = unserialize($s); } function __serialize(): array { return []; }'
    . ' function __unserialize(array $a): void {} } '
    . 'class Q { public $in; function __serialize(): array { return ["i" => '
    . '$this->in]; } function __unserialize(array $a): void { $this->in = $a["i"]; } } ';
$b = $s->browser;
run($class . 'session_start(); $q = new Q; $q->in = new stdClass; '
    . '$_SESSION["q"] = $q; $_SESSION["in"] = $q->in;');
is(run($class . 'session_start(); var_dump($_SESSION["q"]->in === $_SESSION["in"]);'),
    "bool(true)\n", 'also what only __serialize() gives away');
is(run('session_start(); echo get_class($_SESSION["q"]);'),
    '__PHP_Incomplete_Class', 'a class that is not there is not the end');
is(run($class . 'session_start(); echo get_class($_SESSION["q"]);'), 'Q',
    'and nothing is lost by it');

# --- only what has changed
$b = $s->browser;
run('session_start(); $_SESSION = ["a" => 1, "l" => [1], "n" => null];');
my $version = $b->get('/p/cgi/app')->env('SESSION_VERSION');
run('session_start(); $_SESSION["a"] = 1; $_SESSION["l"] = [1];');
is($b->get('/p/cgi/app')->env('SESSION_VERSION'), $version,
    'what is written as it was is no write');
run('session_start(); $_SESSION["l"][] = 2;');
is($b->get('/p/cgi/app')->env('SESSION_VERSION'), $version + 1,
    'a change inside of an array is one');
is(run('session_start(); $x = session_encode(); $_SESSION = []; '
    . 'var_dump(session_decode($x)); echo json_encode($_SESSION);'),
    "bool(true)\n" . '{"a":1,"l":[1,2],"n":null}',
    'session_encode() and session_decode() are each other\'s inverse');
is(run('session_start(); $_SESSION["c"] = function () {}; '
    . 'register_shutdown_function(function () { '
    . 'try { session_write_close(); } catch (Exception $e) { echo "no"; } });'), 'no',
    'what cannot be serialized throws');
is(run('session_start(); echo json_encode($_SESSION);'), '{"a":1,"l":[1,2],"n":null}',
    'and the session is what it was');

# --- PHP's own serializers
for my $name (qw(php php_serialize php_binary)) {
    my $ini = "ini_set('session.serialize_handler', '$name'); ";
    $b = $s->browser;
    run($ini . 'session_start(); $_SESSION = ["a" => 1, "l" => ["x"]];');
    is(run($ini . 'session_start(); echo json_encode($_SESSION);'),
        '{"a":1,"l":["x"]}', "with the serializer $name");
    is($b->get('/p/cgi/app')->env('SESSION_VAR_a'), '1', 'keys are keys');
}

# --- what prints while it is written
$b = $s->browser;
my $loud = <<'PHP';
class Loud
{
    public $n = 0;
    function __sleep() { $this->n++; echo str_repeat('x', 9000); return ['n']; }
}
session_start();
PHP
like(run("$loud \$_SESSION['loud'] = new Loud; \$_SESSION['a'] = 1;"),
    qr/^x{9000}$/, 'an object that prints, and headers that leave by that');
like(run("$loud echo \$_SESSION['loud']->n, \$_SESSION['a'];"), qr/^11x{9000}$/,
    'is written, and is there; what it prints as headers leave is no header');
is(run('session_start(); echo "x"; flush(); echo $_SESSION["a"];'), 'x1',
    'and costs nobody its page');
SxTest::done();
