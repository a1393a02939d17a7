# SPDX-License-Identifier: Apache-2.0
# B3: a response sets the id cookie at most once, however many parts of it
# write, and every part's write lands in that one session.
use SxTest;

sub cookies
{
    my ($r) = @_;
    return grep { /^sid=/ } $r->headers('Set-Cookie');
}

# The value of h= for an app, nested in another URL.
sub nested { return SxTest::Browser::escape($_[0]) }

# A CGI that writes and ends in a local redirect to one that writes.
my $target = '/one-cookie/cgi/app?h=' . nested('Session-Set: second=2');
for my $first ('Session-Set: first=1', 'Session-Set: user=alice') {
    my ($key, $value) = $first =~ /(\w+)=(\w+)/;
    my $b = SxTest->browser;
    my $r = $b->get('/one-cookie/cgi/app', type => '',
        h => [$first, "Location: $target"]);
    is($r->status, 200, "'$first' and a local redirect: the target answers");
    is($r->env("SESSION_VAR_$key"), $value, 'and sees what was written before');
    is(scalar(cookies($r)), 1, 'one cookie');
    $r = $b->get('/one-cookie/cgi/app');
    is($r->env("SESSION_VAR_$key"), $value,
        'what the first part wrote is there');
    is($r->env('SESSION_VAR_second'), '2', 'what the second wrote too');
}

# A first part that logs in and a second that renews.
my $b = SxTest->browser;
$b->get('/one-cookie/cgi/app', h => ['Session-Set: cart=3']);
my $old = $b->clone;
my $renews = '/one-cookie/cgi/app?h=' . nested('Session-Renew: on');
my $r = $b->get('/one-cookie/cgi/app', type => '',
    h => ['Session-Set: user=alice', "Location: $renews"]);
is(scalar(cookies($r)), 1, 'two renewals in one response set one cookie');
$r = $b->get('/one-cookie/cgi/app');
is($r->env('SESSION_DATA'), 'cart=3&user=alice', 'which leads to the session');
is($old->get('/one-cookie/cgi/app')->env('SESSION_STATUS'), 'invalid',
    'and the id before is dead');

# Destroyed by the first part: the second begins a new one or none.
$old = $b->clone;
$r = $b->get('/one-cookie/cgi/app', type => '',
    h => ['Session-Destroy: on', 'Location: /one-cookie/cgi/app']);
is($r->env('SESSION_STATUS'), 'none', 'after a Destroy the target sees none');
is($b->cookie('sid'), undef, 'and the cookie is deleted');
$old->get('/one-cookie/cgi/app', type => '',
    h => ['Session-Destroy: on', "Location: $target"]);
is($old->get('/one-cookie/cgi/app')->env('SESSION_DATA'), 'second=2',
    'a target that writes begins a new session, and its cookie is sent');

# The page for an error writes, and so did the page that failed.
$b = SxTest->browser;
$r = $b->get('/one-cookie/cgi/nothing-here');
is($r->status, 404, 'an ErrorDocument that writes keeps the status');
is(scalar(cookies($r)), 1, 'and sets one cookie');
is($b->get('/one-cookie/cgi/app')->env('SESSION_VAR_error'), '1',
    'for the session that it made');

# A page that includes an app that writes.
my $app = 'h=' . nested('Session-Set: inner=1');
$b = SxTest->browser;
$b->get('/one-cookie/cgi/app', h => ['Session-Set: cart=3']);
$r = $b->get("/one-cookie/ssi/query.shtml?$app");
like($r->body, qr/SESSION_STATUS=active/, 'an included app sees the session');
is(scalar(cookies($r)), 0, 'no cookie is needed');
unlike($r->raw_head . $r->body, qr/^session-/mi, 'no control header is left');
is($b->get('/one-cookie/cgi/app')->env('SESSION_VAR_inner'), '1',
    'and what the included app sets is set');
$b = SxTest->browser;
$r = $b->get("/one-cookie/ssi/query.shtml?$app");
is($r->status, 200, 'also for a new client the page is whole');
cmp_ok(scalar(cookies($r)), '<=', 1, 'with one cookie at most');

# An app's own cookie of that name is not a second one.
$b = SxTest->browser;
$r = $b->get('/one-cookie/cgi/app', h => ['Set-Cookie: sid=mine',
    'Session-Set: cart=3', 'Set-Cookie: theirs=1; Path=/']);
is(scalar(cookies($r)), 1, "an app's own id cookie does not come beside ours");
is($b->cookie('theirs'), '1', 'its others pass');
is($b->get('/one-cookie/cgi/app')->env('SESSION_VAR_cart'), '3', 'ours works');
SxTest::done();
