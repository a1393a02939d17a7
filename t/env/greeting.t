# SPDX-License-Identifier: Apache-2.0
# A greeting without any app: SSI reads the session, static files ignore it.
use SxTest;

my $b = SxTest->browser;
my $r = $b->get('/s/ssi/env.shtml');
is($r->env('SESSION_STATUS'), 'none', 'a stranger');
is($r->header('Set-Cookie'), undef, 'is given no cookie');
$b->get('/s/cgi/app', h => ['Session-Set: user=alice&cart=3&x=%3Cb%3E',
    'Session-Flash: info=Welcome&warning=Low']);
$r = $b->get('/s/ssi/env.shtml');
is($r->env('SESSION_USER'), 'alice', 'alice is greeted by name');
is($r->env('SESSION_VAR_cart'), 3, 'with her cart');
is($r->env('FLASH_info'), 'Welcome', 'and what was said to her');
is($r->env('FLASH_2_TEXT'), 'Low', 'in order');
is($b->get('/s/ssi/env.shtml')->env('FLASH_info'), undef, 'once');
is($r->header('Set-Cookie'), undef, 'her cookie stays');

my $plain = $b->get('/off/static/hello.html');
$r = $b->get('/s/static/hello.html');
is($r->status, 200, 'a static file comes');
is($r->body, $plain->body, 'as it is');
is(join('|', grep { !/^Date$/ } $r->header_names),
    join('|', grep { !/^Date$/ } $plain->header_names),
    'with the headers that it has without sessions');
my $again = $b->get('/s/static/hello.html',
    header => { 'If-None-Match' => $r->header('ETag') });
is($again->status, 304, 'and is not sent again');
SxTest::done();
