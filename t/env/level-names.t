# SPDX-License-Identifier: Apache-2.0
# Messages of a level that is named like a variable of ours hide none of ours:
# httpd's tables and PHP on some systems take FLASH_count for FLASH_COUNT.
use SxTest;

for my $app ('cgi/app', 'php/app.php', 'ssi/env.shtml', 'ssi/include.shtml') {
    my $b = SxTest->browser;
    $b->get('/s/cgi/app', status => 302,
        h => ['Session-Flash: count=hundred&data=forged%3D1&info=hi']);
    my $r = $b->get("/s/$app");
    is($r->env('FLASH_COUNT'), 3, "$app: the number of messages is there");
    is($r->env('FLASH_DATA'), 'count=hundred&data=forged%3D1&info=hi',
        "$app: and all of them");
    is($r->env('FLASH_1_LEVEL') . $r->env('FLASH_1_TEXT'), 'counthundred',
        "$app: the first one has its variables");
    is($r->env('FLASH_info'), 'hi', "$app: and a level of another name");
    is($r->env('SESSION_ENV_OMITTED'), 'env:FLASH_count,env:FLASH_data',
        "$app: what is missing is said");
}
SxTest::done();
