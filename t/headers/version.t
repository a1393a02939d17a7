# SPDX-License-Identifier: Apache-2.0
# SESSION_VERSION grows by one at a commit that changes keys, and only then.
use SxTest;

my $b = SxTest->browser;

sub version { return $b->get('/s/cgi/app')->env('SESSION_VERSION') }

$b->get('/s/cgi/app', h => ['Session-Set: a=1&b=2', 'Session-Incr: c=3']);
is(version(), 1, 'the first commit makes version 1');
for my $header ('Session-Set: a=2&b=3&x=4', 'Session-Append: a=1',
    'Session-Incr: c=1', 'Session-Unset: x', 'Session-Clear: on')
{
    my $before = version();
    $b->get('/s/cgi/app', h => [$header]);
    is(version(), $before + 1, "$header makes the next version");
}
$b->get('/s/cgi/app', h => ['Session-Set: a=1&n=5']);
for my $header ('Session-Set: a=1', 'Session-Append: a=', 'Session-Incr: n=0',
    'Session-Unset: none', 'Session-Flash: info=x', 'Session-Idle: 100',
    'Session-Persist: on', 'Session-Renew: on', 'Session-Set: n=%zz')
{
    my $before = version();
    $b->get('/s/cgi/app', h => [$header]);
    is(version(), $before, "$header makes none");
}
SxTest::done();
