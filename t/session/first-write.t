# SPDX-License-Identifier: Apache-2.0
# B3: the first write creates the session and sets its cookie once; later
# answers set none.
use SxTest;

for my $app ('cgi/app', 'php/app.php') {
    my $b = SxTest->browser;
    my $r = $b->get("/s/$app", h => ['Session-Set: cart=3&name=J%C3%BCrgen+K']);
    is($r->env('SESSION_STATUS'), 'none', "$app: a new client has no session");
    my @set = $r->headers('Set-Cookie');
    is(scalar @set, 1, "$app: the first write sets one cookie");
    like($set[0], qr/^sid=[A-Za-z0-9_-]{48}; Path=\/; HttpOnly; SameSite=Lax$/i,
        "$app: of 48 characters, with the default attributes");
    is(join(',', map { $_->{why} } $b->refused), '',
        "$app: which a browser takes");

    $r = $b->get("/s/$app");
    is($r->env('SESSION_STATUS'), 'active', "$app: the session is there");
    is($r->env('SESSION_VAR_cart'), '3', "$app: with what was set");
    is($r->env('SESSION_DATA'), 'cart=3&name=J%C3%BCrgen+K',
        "$app: all of it, also what is not ASCII");
    is($r->env('SESSION_VERSION'), 1, "$app: at version 1");
    is($r->header('Set-Cookie'), undef, "$app: reading sets no cookie");

    $r = $b->get("/s/$app", h => ['Session-Set: cart=4']);
    is($r->header('Set-Cookie'), undef, "$app: nor does a later write");
    is($b->get("/s/$app")->env('SESSION_VERSION'), 2,
        "$app: which makes version 2");

    $b->get("/s/$app", h => ['Session-Set: cart=4']);
    is($b->get("/s/$app")->env('SESSION_VERSION'), 2,
        "$app: setting what is there changes nothing");
}
SxTest::done();
