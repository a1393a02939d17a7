# SPDX-License-Identifier: Apache-2.0
# Commands of an app that a page includes: obeyed as far as headers can still
# be sent, and never those of an app that failed.
use SxTest;

my $b = SxTest->browser;
$b->get('/s/cgi/app', h => ['Session-Set: a=1']);
$b->get('/s/ssi/query.shtml', h => ['Session-Set: b=2',
    'Session-Flash: info=hi']);
my $r = $b->get('/s/cgi/app');
is($r->env('SESSION_DATA'), 'a=1&b=2', 'an included app writes');
is($r->env('FLASH_info'), 'hi', 'and queues messages');

$b->get('/s/ssi/query.shtml', h => ['Session-Set: c=3'], status => 500);
is($b->get('/s/cgi/app')->env('SESSION_DATA'), 'a=1&b=2',
    'one that failed does not');
$b->get('/s/ssi/query.shtml', h => ['Session-Set: c=%zz']);
is($b->get('/s/cgi/app')->env('SESSION_DATA'), 'a=1&b=2',
    'nor one whose command is malformed');
my $old = $b->clone;
$b->get('/s/ssi/query.shtml', h => ['Session-Destroy: on']);
is($old->get('/s/cgi/app')->env('SESSION_STATUS'), 'invalid',
    'but it may end the session');

my $new = SxTest->browser;
my $mark = SxTest::log_mark();
$r = $new->get('/s/ssi/query.shtml', h => ['Session-Set: a=1']);
is($r->env('SESSION_STATUS'), 'none', 'it runs for a new client too');
is($new->cookie('sid'), undef, 'but begins no session: headers have left');
like(SxTest::error_log_since($mark),
    qr/refused.*a session cannot begin after the headers/, 'which is logged');
$r = $b->get('/s/cgi/app', h => ['Session-Set: a=1']);
$old = $b->cookie('sid');
$b->get('/s/ssi/query.shtml', h => ['Session-Renew: on']);
is($b->get('/s/cgi/app')->env('SESSION_DATA'), 'a=1',
    'nor does it renew an id that it cannot tell');
SxTest::done();
