# SPDX-License-Identifier: Apache-2.0
# Session-Flash-Keep shows the current messages once more.
use SxTest;

my $b = SxTest->browser;
$b->get('/s/cgi/app', h => ['Session-Flash: info=hello']);
my $r = $b->get('/s/cgi/app',
    h => ['Session-Flash-Keep: on', 'Session-Flash: info=more']);
is($r->env('FLASH_info'), 'hello', 'a page shows it');
is($r->header('Session-Flash-Keep'), undef, 'the header stays inside');
is($b->get('/s/cgi/app')->env('FLASH_DATA'), 'info=hello&info=more',
    'and keeps it for the next, in front of a new one');
is($b->get('/s/cgi/app')->env('FLASH_COUNT'), undef, 'which is the last');

$b->get('/s/cgi/app', h => ['Session-Flash: info=hello']);
my $mark = SxTest::log_mark();
$b->get('/s/cgi/app', h => ['Session-Flash-Keep: off']);
like(SxTest::error_log_since($mark),
    qr/Session-Flash-Keep: byte 0: /, 'any other word is refused');
SxTest::done();
