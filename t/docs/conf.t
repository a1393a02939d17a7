# SPDX-License-Identifier: Apache-2.0
# Each configuration under conf/ starts a server and does what it says. The
# demo has a test of its own.
use strict;
use warnings;
use SxTest;

use MIME::Base64 qw(encode_base64);
use SxTest::Daemon;
use SxTest::File qw(slurp spew);

my $conf = SxTest::t_dir() . '/../conf';

# A server with a copy of the examples, which its user can read, and an app
# that anyone may ask for at /any/sh/app.
sub server
{
    my ($text, %opt) = @_;
    my $server = SxTest::Server->new(%opt);
    my $root = $server->root;
    system('cp', '-RP', "$conf/examples", $root) == 0 or die "cp: $?\n";
    system('chmod', '-R', 'a+rX', "$root/examples");
    $server->write_conf("Define EXAMPLES $root/examples\n$text");
    return $server;
}

# --- the shipped configuration ------------------------------------------------
my $shipped = slurp("$conf/session_ext.conf");
my $server = server($shipped);
$server->start;
my $b = $server->browser;
is($b->get('/any/sh/app')->env('SESSION_STATUS'), 'none',
    'session_ext.conf as shipped starts a server, and sessions are on');
$b->get('/any/sh/app', h => ['Session-Set: colour=green']);
is($b->get('/any/sh/app')->env('SESSION_VAR_colour'), 'green',
    'and what an app writes is there at the next request');
$server->stop;

# Every line that is offered, taken: "#Directive", never "# prose".
my $all = $shipped =~ s/^(\s*)#(?=[A-Z])/$1/mgr;
$server = server($all);
spew($server->root . '/conf/session_ext.keys',
    '1:' . encode_base64(join('', map { chr(7 * $_ % 256) } 1 .. 32)));
chmod 0600, $server->root . '/conf/session_ext.keys';
my ($status, $text) = $server->configtest;
is($status, 0, 'session_ext.conf with every line taken is accepted')
    or diag($text);
$server->start;
$b = $server->browser;
$b->get('/any/sh/app', h => ['Session-Set: colour=green']);
is($b->get('/any/sh/app')->env('SESSION_VAR_colour'), 'green',
    'and such a server has sessions');
$server->stop;

# The module is asked for its directives, so that a new one cannot be missed.
my $httpd = join ' ', SxTest::Paths::preload(), SxTest::Paths::httpd();
my @known = map { /^(\w+) \(mod_session_ext\.c\)/ ? $1 : () }
    qx($httpd -d @{[$server->root]} -f @{[$server->conf_file]} -L 2>/dev/null);
cmp_ok(scalar @known, '>', 20, 'httpd -L lists the directives of the module');
my %offered = map { $_ => 1 } $all =~ /^\s*([A-Z]\w+)/mg;
is(join(' ', grep { !$offered{$_} } @known), '',
    'session_ext.conf offers every directive of the module');

# --- the examples ------------------------------------------------------------
sub counts
{
    my ($name, $server, @paths) = @_;
    $server->start;
    my $b = $server->browser;
    for my $n (0 .. 3) {
        my $path = $paths[$n % @paths];
        my $r = $b->get($path);
        is($r->body, "Visits before this one: $n\n",
            "$name: $path counts visit $n");
    }
    is($server->browser->get($paths[0])->body,
        "Visits before this one: 0\n",
        "$name: another visitor is counted alone");
    return $server->stop;
}

counts('cgi.conf', server("Include $conf/examples/cgi.conf\n"),
    '/counter.pl', '/counter.sh');

counts('ssi.conf', server("Include $conf/examples/ssi.conf\n"),
    '/counter.shtml');
counts('lua.conf', server("Include $conf/examples/lua.conf\n", more => ['lua']),
    '/counter.lua');
counts('mod_perl.conf',
    server("Include $conf/examples/mod_perl.conf\n", more => ['perl']),
    '/counter');

# The same program in each language, behind HTTP.
for my $command (['node', 'counter.js', 'PORT'], ['python3', 'counter.py', 'PORT'],
    ['rackup', '-o', '127.0.0.1', '-p', 'PORT', 'counter.ru']) {
    my ($file) = grep { /counter/ } @$command;
    my $program = SxTest::Daemon->start(name => $file,
        command => [map { /counter/ ? "$conf/examples/backend/$_" : $_ }
            @$command]);
    counts("backend.conf, $file",
        server('Define BACKEND http://127.0.0.1:' . $program->port . "\n"
            . "Include $conf/examples/backend.conf\n"), '/counter');
    $program->stop;
}

if (SxTest::mpm() eq 'prefork') {
    counts('mod_php.conf', server("Include $conf/examples/mod_php.conf\n"),
        '/counter.php');
}
else {
    counts('php-fpm.conf',
        server("Define PHP_FPM \${SX_FPM}\n"
            . "Include $conf/examples/php-fpm.conf\n", php => 1),
        '/counter.php');
}

# Who may see which part of access.conf: by role, and nobody without one.
sub sees
{
    my ($server, $set) = @_;
    my $b = $server->browser;
    $b->get('/any/sh/app', h => ["Session-Set: $set"]) if $set;
    return join ' ', map { $b->get("/members/$_")->status }
        'style.css', 'editors/style.css', 'admin/style.css';
}
$server = server("Include $conf/examples/access.conf\n"
    . 'AliasMatch "^/members/(?:editors/|admin/)?(.*)" '
    . "\"\${SX_T}/htdocs/static/\$1\"\n");
$server->start;
is(sees($server), '403 403 403', 'access.conf: nobody sees anything');
is(sees($server, 'cart=1'), '200 403 403', 'a visitor sees a part');
is(sees($server, 'role=editor'), '200 200 403', 'an editor more');
is(sees($server, 'role=admin'), '200 200 200', 'an admin all');
is(sees($server, 'role=admin&state=suspended'), '200 200 403',
    'unless suspended');
$server->stop;

my @files = map { m{([^/]+)$} } glob "$conf/examples/*.conf";
is("@files", 'access.conf backend.conf cgi.conf lua.conf mod_perl.conf '
    . 'mod_php.conf php-fpm.conf ssi.conf',
    'no example is without a test');

SxTest::done();
