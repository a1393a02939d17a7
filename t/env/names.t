# SPDX-License-Identifier: Apache-2.0
# Every variable that an app reads of its session, and what it holds.
use SxTest;

sub names
{
    my ($r) = @_;
    return join ' ', sort grep { /^(?:SESSION|FLASH|SEALED)/ }
        keys %{ $r->envs };
}

for my $app ('cgi/app', 'sh/app', 'php/app.php') {
    my $b = SxTest->browser;
    my $r = $b->get("/s/$app");
    is($r->env('SESSION_STATUS'), 'none', "$app: no cookie, no session");
    is(names($r), 'SESSION_STATUS', "$app: and nothing else to say");

    $b->set_cookie(sid => 'x' x 48);
    $r = $b->get("/s/$app");
    is($r->env('SESSION_STATUS'), 'invalid', "$app: a cookie nobody knows");
    is(names($r), 'SESSION_STATUS', "$app: gives nothing away");
    $b->forget;

    my $began = time;
    $b->get("/s/$app", h => ['Session-Set: cart=3&user=J%C3%BCrgen+K']);
    $r = $b->get("/s/$app");
    is($r->env('SESSION_STATUS'), 'active', "$app: a session");
    is(names($r), 'SESSION_CREATED SESSION_DATA SESSION_EXPIRES SESSION_HANDLE'
        . ' SESSION_IDLE_LEFT SESSION_LAST_ACCESS SESSION_STATUS SESSION_USER'
        . ' SESSION_VAR_cart SESSION_VAR_user SESSION_VERSION',
        "$app: has these variables and no other");
    like($r->env('SESSION_HANDLE'), qr/^[0-9a-f]{16}$/,
        "$app: a handle of 16 hex digits");
    is($r->env('SESSION_USER'), "J\xC3\xBCrgen K", "$app: the user");
    is($r->env('SESSION_VAR_user'), "J\xC3\xBCrgen K", "$app: also as a key");
    is($r->env('SESSION_VAR_cart'), '3', "$app: beside the other key");
    is($r->env('SESSION_DATA'), 'cart=3&user=J%C3%BCrgen+K',
        "$app: and all in one");
    is($r->env('SESSION_VERSION'), 1, "$app: at version 1");
    cmp_ok(abs($r->env('SESSION_CREATED') - $began), '<=', 1,
        "$app: created now");
    cmp_ok($r->env('SESSION_LAST_ACCESS') - $r->env('SESSION_CREATED'),
        '<=', 1, "$app: last access as old");
    is($r->env('SESSION_EXPIRES') - $r->env('SESSION_CREATED'), 12 * 3600,
        "$app: ends 12 h later");
    cmp_ok($r->env('SESSION_IDLE_LEFT'), '<=', 1800,
        "$app: half an hour is left");
    cmp_ok($r->env('SESSION_IDLE_LEFT'), '>=', 1790, "$app: nearly all of it");
    ok(!(grep { /\Q@{[ $b->cookie('sid') ]}\E/ } values %{ $r->envs }),
        "$app: the id itself is in none");

    my $handle = $r->env('SESSION_HANDLE');
    my $old = $b->cookie('sid');
    $b->get("/s/$app", h => ['Session-Renew: on']);
    $r = $b->get("/s/$app");
    isnt($b->cookie('sid'), $old, "$app: a renewal changes the id");
    is($r->env('SESSION_HANDLE'), $handle, "$app: not the handle");
    is($r->env('SESSION_VERSION'), 1, "$app: nor the version");
    $b->set_cookie(sid => $handle);
    is($b->get("/s/$app")->env('SESSION_STATUS'), 'invalid',
        "$app: the handle is no cookie");
}
SxTest::done();
