# SPDX-License-Identifier: Apache-2.0
# H6: a cookie of one namespace, or of one name, means nothing in another.
use SxTest;

sub seen
{
    my ($where, $cookie) = @_;
    my ($host, $path) = $where =~ m{^(.*?)(/.*)};
    my $r = SxTest->browser(host => $host || 'localhost')->get("$path/cgi/app",
        header => { Cookie => $cookie });
    return join ' ', grep { defined } map { $r->env($_) }
        qw(SESSION_STATUS SESSION_USER);
}

# The id that a new session gets at $where.
sub id_of
{
    my ($where, $name) = @_;
    my ($host, $path) = $where =~ m{^(.*?)(/.*)};
    my $b = SxTest->browser(host => $host || 'localhost');
    $b->get("$path/cgi/app", h => ['Session-Set: user=alice']);
    return $b->cookie($name || 'sid');
}

my $id = id_of('/s');
is(seen('/s', "sid=$id"), 'active alice', 'a session at home');
is(seen('/plain', "sid=$id"), 'active alice',
    'also in another scope of its own');
is(seen('/ns2', "sid=$id"), 'invalid', 'but not in another namespace');
is(seen('/named', "other=$id"), 'invalid', 'nor as a cookie of another name');
is(seen('/s', 'sid=' . id_of('/named', 'other')), 'invalid',
    'nor the other way round');
is(seen('/s', 'sid=' . id_of('/ns2')), 'invalid', 'of both');
is(seen('one.test/s', "sid=$id"), 'invalid', 'nor on another host');

my $one = id_of('one.test/s');
is(seen('one.test/s', "sid=$one"), 'active alice', 'a session of one host');
is(seen('two.test/s', "sid=$one"), 'invalid', 'is not on another');
is(seen('/s', "sid=$one"), 'invalid', 'nor on the default one');
is(seen('three.test/s', "sid=$one"), 'active alice',
    'but where the namespace says so');
is(seen('ONE.test/s', "sid=$one"), 'active alice',
    'however the client spells the host');
my $two = id_of('two.test/s');
is(seen('alias.two.test/s', "sid=$two"), 'active alice',
    'and under an alias of its own host');

# Two namespaces in one request do not mix.
my $b = SxTest->browser;
$b->get('/s/cgi/app', h => ['Session-Set: user=alice']);
my $r = $b->get('/ns2/cgi/app', h => ['Session-Set: user=bob']);
is(seen('/ns2', 'sid=' . $b->cookie('sid')), 'active bob',
    'a write in another namespace begins a session there');
is(seen('/s', 'sid=' . $b->cookie('sid')), 'invalid', 'and only there');
SxTest::done();
