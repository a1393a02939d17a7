# SPDX-License-Identifier: Apache-2.0
# B7: a session ends by the clock of the server, idle or absolute, at the load
# that comes too late; reading never deletes the cookie.
use SxTest;

use Time::HiRes qw(sleep time);

my $APP = '/expiry/cgi/app';

sub begin
{
    my $b = SxTest->browser;
    $b->get($APP, h => ['Session-Set: cart=3', @_]);
    return $b;
}

# Several at once, so that the whole test waits only once.
my $idle  = begin();
my $busy  = begin();
my $kept  = begin('Session-Persist: on');
my $files = begin();
my $began = time;

my $left = $busy->get($APP)->env('SESSION_IDLE_LEFT');
ok($left == 0 || $left == 1, 'the app is told how many seconds are left');
my $r = $busy->get($APP);
is($r->env('SESSION_EXPIRES') - $r->env('SESSION_CREATED'), 3,
    'and when the session ends at the latest');

my $checked = 0;
my ($last_busy, $busy_ended);
while (time - $began < 4) {
    sleep 0.4;
    $r = $busy->get($APP);
    my $status = $r->env('SESSION_STATUS');
    my $after = time - $began;
    $last_busy = $after if $status eq 'active';
    $busy_ended ||= $after if $status eq 'invalid';
    $files->get('/expiry/static/1k.txt');
    next if $checked || $after < 1.3;
    $checked = 1;
    $r = $idle->get($APP);
    is($r->env('SESSION_STATUS'), 'invalid',
        'a session that was not used for its idle time has ended');
    is($r->env('SESSION_DATA'), undef, 'and shows nothing');
    is($r->header('Set-Cookie'), undef, 'reading does not delete the cookie');
    is($idle->get('/expiry-long/cgi/app')->env('SESSION_STATUS'), 'invalid',
        'a scope with a longer time does not revive it');
}
cmp_ok($last_busy, '>', 2, 'use keeps a session alive beyond its idle time');
cmp_ok($busy_ended || 99, '<', 3.9, 'but not beyond its absolute end');
is($busy->get($APP)->env('SESSION_STATUS'), 'invalid',
    'and it does not come back after that');

is($kept->cookie('sid'), undef,
    'a cookie that a browser keeps has its Max-Age end by then');

# A browser may drop its cookie; a thief would not.
my $old = begin();
my $id = $old->cookie('sid');
sleep 1.3;
my $thief = SxTest->browser;
$thief->set_cookie(sid => $id);
is($thief->get($APP)->env('SESSION_STATUS'), 'invalid',
    'a cookie that is sent too late is of no use');
$thief->get($APP, h => ['Session-Set: cart=4']);
isnt($thief->cookie('sid'), $id, 'a write then begins a new session');
$r = $thief->get($APP);
is($r->env('SESSION_DATA'), 'cart=4', 'with nothing of the old one');
is($r->env('SESSION_VERSION'), 1, 'at version 1');
SxTest::done();
