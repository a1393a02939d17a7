# SPDX-License-Identifier: Apache-2.0
# The 409 of a Session-If-Version: without the app's headers, not to be stored,
# with the server's error document.
use SxTest;

for my $app ('cgi/app', 'php/app.php') {
    my $b = SxTest->browser;
    $b->get("/s/$app", h => ['Session-Set: a=1']);
    my $r = $b->get("/s/$app", h => ['Session-If-Version: 1',
        'Session-Set: a=2', 'X-App: 1']);
    is($r->status, 200, "$app: the version holds");
    is($r->header('X-App'), 1, "$app: the app's answer comes");
    my @stale = ('Session-If-Version: 1', 'Session-Set: a=3',
        'Session-Flash: info=x', 'X-App: 1', 'Set-Cookie: app=1',
        'Cache-Control: public, max-age=60', 'ETag: "x"');
    for my $method (qw(GET HEAD POST)) {
        $r = $b->request($method, "/s/$app", h => \@stale, body => 'secret');
        is($r->status, 409, "$app: a version that has passed: 409 to $method");
        is($r->header('X-App'), undef, "$app: without the app's headers");
        is($r->header('Set-Cookie'), undef, "$app: and cookies");
        is($r->header('ETag'), undef, "$app: and ETag");
        is($r->header('Cache-Control'), 'no-store', "$app: not to be stored");
        unlike($r->body, qr/secret/, "$app: nor its body");
    }
    $r = $b->get("/s/$app", h => \@stale, status => 302);
    is($r->status, 409, "$app: whatever status it had");
    $r = $b->get("/s/$app");
    is($r->env('SESSION_DATA'), 'a=2', "$app: nothing was applied");
    is($r->env('FLASH_COUNT'), undef, "$app: no message either");

    my $none = SxTest->browser;
    $r = $none->get("/s/$app", h => ['Session-If-Version: 1',
        'Session-Set: a=1']);
    is($r->status, 409, "$app: without a session no version holds");
    is($none->cookie('sid'), undef, "$app: and none begins");
    $r = $none->get("/s/$app", h => ['Session-If-Version: 0',
        'Session-Set: a=1']);
    is($r->status, 200, "$app: but 0, which says that there is none");
    $r = $none->get("/s/$app", h => ['Session-If-Version: 0',
        'Session-Set: a=2']);
    is($r->status, 409, "$app: once");
}

my $b = SxTest->browser;
my $r = $b->get('/headers_conflict/cgi/app', h => ['Session-If-Version: 3']);
is($r->status, 409, 'an error document');
is($r->env('REDIRECT_STATUS'), 409, 'is honoured');
$r = $b->get('/s/cgi/app', h => ['Session-If-Version: 3'], status => 500);
is($r->status, 500, 'a failing app stays one');
SxTest::done();
