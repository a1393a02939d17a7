# SPDX-License-Identifier: Apache-2.0
# SessionExtEnv: all keys, some, or no variable at all.
use SxTest;

for my $app ('cgi/app', 'php/app.php') {
    my $b = SxTest->browser;
    $b->get("/s/$app", h => ['Session-Set: cart=3&secret=x&user=alice',
        'Session-Flash: info=hi']);
    my $r = $b->get("/env_keys/$app", status => 302,
        h => ['Location: http://localhost/']);
    is($r->env('SESSION_DATA'), 'cart=3&user=alice', "$app: the named keys");
    is(join(' ', sort grep { /^SESSION_VAR/ } keys %{ $r->envs }),
        'SESSION_VAR_cart SESSION_VAR_user', "$app: and no other");
    is($r->env('SESSION_ENV_OMITTED'), undef,
        "$app: what is not selected is not omitted");
    is($r->env('SESSION_VERSION'), 1, "$app: facts are there");
    is($r->env('FLASH_info'), 'hi', "$app: so are messages");

    $r = $b->get("/env_off/$app");
    is(join(' ', grep { /^(?:SESSION|FLASH)/ } keys %{ $r->envs }), '',
        "$app: with Off there is none");
    is($b->get("/s/$app")->env('FLASH_info'), 'hi',
        "$app: and no message is eaten");
    $r = $b->get("/env_off/$app", h => ['Session-Set: cart=4']);
    is($b->get("/s/$app")->env('SESSION_VAR_cart'), 4,
        "$app: commands work without the environment");
}
SxTest::done();
