# SPDX-License-Identifier: Apache-2.0
# The module under conf/examples: with sessions, where they are off, and without
# mod_session_ext.
use SxTest;

my $module = SxTest::Paths::user_module('mod_example_session')
    || die "conf/examples/c/mod_example_session.so is not built\n";
my $conf = "LoadModule example_session_module $module\n"
    . "<LocationMatch \"^/(s|off)/example\">\nSetHandler example-session\n"
    . "</LocationMatch>\n";
my $s = SxTest::Server->new(scopes => 1, conf => $conf)->start;

sub says
{
    my ($b, $args) = @_;
    return $b->get('/s/example' . ($args ? "?$args" : ''))->body;
}

my $b = $s->browser;
is(says($b), "Hello, stranger. Visits before this one: $_\n", "visit $_")
    for 0 .. 2;
my $old = $b->clone;
says($b, 'login');
is(says($b), "Welcome back.\nHello, ann. Visits before this one: 3\n",
    'somebody is in, and welcomed');
is(says($b), "Hello, ann. Visits before this one: 4\n", 'once');
is(says($old), "Hello, stranger. Visits before this one: 0\n",
    'under a new id');
my $end = $b->clone;
says($b, 'logout');
is($b->cookie('sid'), undef, 'and out');
is($end->get('/s/cgi/app')->env('SESSION_STATUS'), 'invalid', 'for good');
is($b->get('/off/example')->status, 503, 'where sessions are off it says so');
$s->stop;

$s = SxTest::Server->new(module => 0, conf => $conf)->start;
is($s->browser->get('/s/example')->status, 503,
    'and without mod_session_ext it runs');
SxTest::done();
