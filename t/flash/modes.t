# SPDX-License-Identifier: Apache-2.0
# SessionExtFlash Off, fetch, and SessionExtFlashMax.
use SxTest;

my $b = SxTest->browser;
$b->get('/s/cgi/app', h => ['Session-Flash: info=hello']);
is($b->get('/flash_off/cgi/app')->env('FLASH_COUNT'), undef,
    'where it is Off nothing is handed out');
is($b->get('/s/cgi/app')->env('FLASH_info'), 'hello', 'and nothing is eaten');

my %SCRIPT = ('Sec-Fetch-Dest' => 'empty', Accept => 'application/json',
    'X-Requested-With' => 'XMLHttpRequest');
$b->get('/s/cgi/app', h => ['Session-Flash: info=hello']);
is($b->get('/flash_fetch/cgi/app', header => \%SCRIPT)->env('FLASH_info'),
    'hello', 'where it is fetch scripts get them');
is($b->get('/s/cgi/app')->env('FLASH_info'), undef, 'once');
$b->get('/s/cgi/app', h => ['Session-Flash: info=hello']);
is($b->get('/flash_fetch/cgi/app', header => { %SCRIPT,
    'Sec-Purpose' => 'prefetch' })->env('FLASH_info'),
    undef, 'but not a prefetch');
$b->head('/flash_fetch/cgi/app');
$b->get('/flash_fetch/static/1k.txt');
is($b->get('/s/cgi/app')->env('FLASH_info'), 'hello',
    'nor a HEAD or a static file');

sub queue
{
    my ($in, @messages) = @_;
    my $mark = SxTest::log_mark();
    $b->post("/$in/cgi/app", h => ['Session-Clear: on',
        map { "Session-Flash: $_" } @messages], status => 302);
    return SxTest::error_log_since($mark);
}

sub shown { return $b->get('/s/cgi/app')->env('FLASH_COUNT') || 0 }

unlike(queue('flash_few', map { "info=$_" } 1 .. 3), qr/refused/,
    'as many messages as may wait are taken');
is(shown(), 3, 'and shown');
like(queue('flash_few', map { "info=$_" } 1 .. 4),
    qr/refused, nothing was applied: Session-Flash: /,
    'one more refuses them all');
is(shown(), 0, 'none is shown');
queue('flash_few', 'info=1', 'info=2');
like(queue('flash_few', 'info=3', 'info=4'), qr/refused/,
    'those that wait already count');
is(shown(), 2, 'and stay');
unlike(queue('flash_few', 'info=' . 'x' x 96), qr/refused/,
    'as many bytes of levels and texts as may wait are taken');
is(shown(), 1, 'and shown');
like(queue('flash_few', 'info=' . 'x' x 97), qr/refused/, 'one more is not');
is(shown(), 0, 'nor shown');
unlike(queue('s', map { "info=$_" } 1 .. 32), qr/refused/,
    '32 messages may wait by default');
is(shown(), 32, 'and are shown');
like(queue('s', map { "info=$_" } 1 .. 33), qr/refused/, '33 may not');
like(queue('s', map { "info=" . 'x' x 4095 } 1 .. 2), qr/refused/,
    'nor more than 8 KiB');
SxTest::done();
