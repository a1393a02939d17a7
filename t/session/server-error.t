# SPDX-License-Identifier: Apache-2.0
# B8: of a 5xx answer the data commands are dropped, while Destroy and Renew
# are obeyed. Other answers, errors too, write.
use SxTest;

my @DATA = ('Session-Set: cart=9&new=1', 'Session-Unset: keep',
    'Session-Incr: n=5', 'Session-Append: keep=x', 'Session-Idle: 60',
    'Session-Persist: on', 'Session-Flash: info=hi');

sub shopper
{
    my $b = SxTest->browser;
    $b->get('/s/cgi/app', h => ['Session-Set: cart=3&keep=me&n=1']);
    return $b;
}

for my $app ('cgi/app', 'php/app.php') {
    for my $status (500, 502, 503, 504) {
        my $b = SxTest->browser;
        my $r = $b->get("/s/$app", status => $status, h => \@DATA);
        is($r->status, $status, "$app, $status: the answer is the app's");
        is($r->header('Set-Cookie'), undef,
            "$app, $status: it makes no session");
        ok(!(grep { /^session-/i } $r->header_names),
            "$app, $status: control headers are removed");
    }
    my $b = shopper();
    my $r = $b->get("/s/$app", status => 500, h => \@DATA);
    is($r->header('Set-Cookie'), undef, "$app: a 500 sets no cookie");
    $r = $b->get("/s/$app");
    is($r->env('SESSION_DATA'), 'cart=3&keep=me&n=1',
        "$app: a 500 leaves the data as it was");
    is($r->env('SESSION_VERSION'), 1, "$app: and the version");
    is($r->env('FLASH_COUNT'), undef, "$app: and queues no message");

    $b->get("/s/$app", status => 500, h => ['Session-If-Version: 7', @DATA]);
    is($b->get("/s/$app", status => 500,
        h => ['Session-If-Version: 7', @DATA])->status, 500,
        "$app: nor does it turn into a 409");

    my $copy = $b->clone;
    $b->get("/s/$app", status => 500, h => ['Session-Renew: on', @DATA]);
    isnt($b->cookie('sid'), $copy->cookie('sid'),
        "$app: Renew is obeyed beside a 500");
    is($copy->get("/s/$app")->env('SESSION_STATUS'), 'invalid',
        "$app: the old id ends");
    is($b->get("/s/$app")->env('SESSION_DATA'), 'cart=3&keep=me&n=1',
        "$app: and the data commands beside it are dropped");

    $copy = $b->clone;
    $b->get("/s/$app", status => 500, h => ['Session-Destroy: on', @DATA]);
    is($b->cookie('sid'), undef, "$app: Destroy is obeyed beside a 500");
    is($copy->get("/s/$app")->env('SESSION_STATUS'), 'invalid',
        "$app: and the session is gone");

    for my $status (200, 201, 204, 301, 302, 303, 304, 400, 403, 404, 410) {
        $b = shopper();
        $b->get("/s/$app", status => $status, h => ['Session-Set: cart=9']);
        is($b->get("/s/$app")->env('SESSION_VAR_cart'), '9',
            "$app: a $status writes");
        my $new = SxTest->browser;
        $new->head("/s/$app", status => $status, h => ['Session-Set: cart=1']);
        is($new->get("/s/$app")->env('SESSION_VAR_cart'), '1',
            "$app: so does a $status to HEAD, also as the first write");
    }
}
SxTest::done();
