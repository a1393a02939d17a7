# SPDX-License-Identifier: Apache-2.0
# Session-Idle changes how long this session may rest, up to SessionExtIdleMax;
# Session-Persist whether the browser keeps the cookie.
use SxTest;

use Time::HiRes qw(sleep);

sub left
{
    my ($b, $app) = @_;
    return $b->get($app)->env('SESSION_IDLE_LEFT');
}

sub near { return $_[0] <= $_[1] && $_[0] >= $_[1] - 3 }

for my $name ('cgi/app', 'php/app.php') {
    my $app = "/idle-and-persist/$name";
    my $b = SxTest->browser;
    $b->get($app, h => ['Session-Set: cart=3']);
    ok(near(left($b, $app), 100), "$name: at first the scope's time applies");
    my $r = $b->get($app, h => ['Session-Idle: 600']);
    is($r->header('Set-Cookie'), undef, "$name: another one sets no cookie");
    ok(near(left($b, $app), 600), "$name: the app may raise it");
    is($b->get($app)->env('SESSION_VERSION'), 1,
        "$name: which makes no new version");
    $b->get($app, h => ['Session-Idle: 999999999999']);
    ok(near(left($b, $app), 1000), "$name: as far as it was allowed to");
    $b->get($app, h => ['Session-Idle: 20']);
    ok(near(left($b, $app), 20), "$name: it may lower it");
    $b->get($app, h => ['Session-Set: cart=4']);
    ok(near(left($b, $app), 20), "$name: and that stays");
    $b->get($app, h => ['Session-Idle: default']);
    ok(near(left($b, $app), 100), "$name: 'default' is the scope's again");
    for my $junk ('0', '-1', 'soon', '1.5', '10s', '', '0x10') {
        my $mark = SxTest::log_mark();
        $b->get($app, h => ["Session-Idle: $junk", 'Session-Set: junk=1']);
        ok(near(left($b, $app), 100), "$name: '$junk' changes nothing");
        is($b->get($app)->env('SESSION_VAR_junk'), undef,
            "$name: and nothing beside it is applied");
        like(SxTest::error_log_since($mark), qr/refused.*Session-Idle: byte/,
            "$name: the log says which header and where");
    }

    # Persist.
    is($b->cookie_attr('sid')->{'max-age'}, undef,
        "$name: by default the cookie ends with the browser");
    $r = $b->get($app, h => ['Session-Persist: on']);
    ok(near($b->cookie_attr('sid')->{'max-age'}, 5000),
        "$name: Persist keeps it up to the absolute end");
    is($b->get($app)->header('Set-Cookie'), undef,
        "$name: and is not said again");
    $b->get($app, h => ['Session-Persist: on']);
    $r = $b->get($app, h => ['Session-Renew: on']);
    ok(near($b->cookie_attr('sid')->{'max-age'}, 5000),
        "$name: a renewed id is kept as well");
    $r = $b->get($app, h => ['Session-Persist: off']);
    is(scalar(my @set = $r->headers('Set-Cookie')), 1,
        "$name: Persist: off sets the cookie again");
    is($b->cookie_attr('sid')->{'max-age'}, undef, "$name: without an end");
    is($b->get($app)->env('SESSION_VAR_cart'), '4',
        "$name: the session is the same");

    my $new = SxTest->browser;
    $new->get($app, h => ['Session-Set: cart=1', 'Session-Persist: on']);
    ok(near($new->cookie_attr('sid')->{'max-age'}, 5000),
        "$name: a session may begin persistent");
    $new->get($app, h => ['Session-Persist: perhaps']);
    ok(near($new->cookie_attr('sid')->{'max-age'}, 5000),
        "$name: a malformed Persist changes nothing");
}

# A short wish counts for real, although the scope notes accesses rarely.
my $app = '/idle-short/cgi/app';
my $b = SxTest->browser;
$b->get($app, h => ['Session-Set: cart=3', 'Session-Idle: 2']);
my $other = SxTest->browser;
$other->get($app, h => ['Session-Set: cart=3', 'Session-Idle: 2']);
for (1 .. 24) {
    sleep 0.1;
    $b->get($app);
}
is($b->get($app)->env('SESSION_STATUS'), 'active',
    'use keeps it alive beyond the seconds that the app asked for');
is($other->get($app)->env('SESSION_STATUS'), 'invalid',
    'and one that rested has ended after it');
SxTest::done();
