# SPDX-License-Identifier: Apache-2.0
# What a CGI that ends in a local redirect asks for is judged by its own scope
# and done before the target runs.
use SxTest;

sub to
{
    my ($path, @headers) = @_;
    return "Location: $path?" . join '&',
        map { 'h=' . SxTest::Browser::escape($_) } @headers;
}

my $b = SxTest->browser;
my $r = $b->get('/s/cgi/app', type => '',
    h => ['Session-Set: a=1', to('/s/sh/app')]);
is($r->env('SESSION_DATA'), 'a=1', 'the target sees what was written');
is($r->env('SESSION_STATUS'), 'active', 'in a session');
is(() = $r->headers('Set-Cookie'), 1, 'whose cookie is set once');
is($b->get('/s/cgi/app')->env('SESSION_DATA'), 'a=1', 'and works');

$r = $b->get('/s/cgi/app', type => '',
    h => ['Session-Set: b=2', to('/s/sh/app', 'Session-Set: c=3')]);
is($b->get('/s/cgi/app')->env('SESSION_DATA'), 'a=1&b=2&c=3',
    'what both write is there');

my $new = SxTest->browser;
$r = $new->get('/s/cgi/app', type => '',
    h => ['Session-Set: a=1', to('/s/sh/app', 'Session-Renew: on')]);
is(() = $r->headers('Set-Cookie'), 1,
    'a cookie that changes twice is set once');
is($new->get('/s/cgi/app')->env('SESSION_DATA'), 'a=1', 'to the last id');

$b->get('/off/cgi/app', type => '',
    h => ['Session-Set: d=4', to('/s/sh/app')]);
is($b->get('/s/cgi/app')->env('SESSION_DATA'), 'a=1&b=2&c=3',
    'a CGI without sessions is not obeyed because its target has them');
$r = $b->get('/s/cgi/app', type => '',
    h => ['Session-Set: d=4', to('/off/sh/app', 'Session-Set: e=5')]);
is($b->get('/s/cgi/app')->env('SESSION_DATA'), 'a=1&b=2&c=3&d=4',
    'nor the other way round');
is($r->env('SESSION_STATUS'), undef, 'and such a target sees no session');

$r = $b->get('/s/cgi/app', type => '',
    h => ['Session-If-Version: 99', 'Session-Set: x=1', 'Set-Cookie: a=1',
        to('/s/sh/app')]);
is($r->status, 409, 'a version that has passed is a 409 on this path too');
is($r->header('Cache-Control'), 'no-store', 'not to be stored');
is($r->header('Set-Cookie'), undef, 'without the cookies of an app');
is($b->get('/s/cgi/app')->env('SESSION_VAR_x'), undef, 'and nothing is set');

$r = $b->get('/s/cgi/app', type => '',
    h => ['Session-Destroy: on', to('/s/sh/app')]);
is($r->env('SESSION_DATA'), undef, 'after a Destroy the target sees none');
is($b->cookie('sid'), undef, 'and the cookie is deleted');
SxTest::done();
