# SPDX-License-Identifier: Apache-2.0
# Keys are case-sensitive, httpd's tables are not: of keys that differ in
# nothing else the first has a variable of its own, the others are named as
# omitted, and SESSION_DATA has them all.
use SxTest;

for my $app ('/s/cgi/app', '/s/php/app.php') {
    my $b = SxTest->browser;
    $b->get($app, h => ['Session-Set: cart=small&Cart=big&CART=huge&cat=1']);
    my $r = $b->get($app);
    is($r->env('SESSION_VAR_cart'), 'small', "$app: the first has a variable");
    is($r->env('SESSION_VAR_cat'), '1', "$app: as has another name");
    is($r->env('SESSION_ENV_OMITTED'), 'Cart,CART', "$app: the rest is named");
    is($r->env('SESSION_DATA'), 'cart=small&Cart=big&CART=huge&cat=1',
        "$app: and nothing is lost");
}
SxTest::done();
