# SPDX-License-Identifier: Apache-2.0
# C11: a session that was valid when it was loaded can be committed by that
# request even if it expires meanwhile; one that is gone stays gone.
use SxTest;

use Time::HiRes qw(sleep);

my @APPS = map { "/expire-during-request/$_" } 'cgi/app', 'php/app.php';
my %b = map { $_ => SxTest->browser } @APPS, 'absolute', 'gone', 'other';
$b{$_}->get($_, h => ['Session-Set: cart=3']) for @APPS;
$b{$_}->get($APPS[0], h => ['Session-Set: cart=3']) for qw(gone other);
$b{absolute}->get('/expire-absolute/cgi/app', h => ['Session-Set: cart=3']);

my %slow = map {
    $_ => $b{$_}->clone->start($_, wait => 'slow', h => ['Session-Set: slow=1'])
} @APPS;
my $absolute = $b{absolute}->clone;
$slow{absolute} = $absolute->start('/expire-absolute/cgi/app', wait => 'slow',
    h => ['Session-Set: slow=1']);
$slow{gone} = $b{gone}->clone->start($APPS[0], wait => 'slow',
    h => ['Session-Set: slow=1']);
SxTest::reached('slow', scalar keys %slow);
$b{gone}->clone->get($APPS[0], h => ['Session-Destroy: on']);
sleep 1.3;

is($b{other}->get($APPS[0])->env('SESSION_STATUS'), 'invalid',
    'a session that no request holds has expired by now');
is($b{$_}->get($_)->env('SESSION_STATUS'), 'invalid',
    "$_: and so has, for a new request, one that a request still holds")
    for @APPS;
SxTest::release('slow');
for my $app (@APPS) {
    my $r = $slow{$app}->finish;
    is($r->status, 200, "$app: the request that held it is answered");
    is($r->header('Set-Cookie'), undef, "$app: with no other id");
    $r = $b{$app}->get($app);
    is($r->env('SESSION_STATUS'), 'active', "$app: and its commit is accepted");
    is($r->env('SESSION_DATA'), 'cart=3&slow=1', "$app: with all data");
}
is($slow{absolute}->finish->status, 200,
    'a request that went over the absolute end is answered');
is($b{absolute}->get('/expire-absolute/cgi/app')->env('SESSION_STATUS'),
    'invalid', 'and gives no session more than that');
is($slow{gone}->finish->header('Set-Cookie'), undef,
    'the holder of a session that was destroyed gets no cookie');
is($b{gone}->get($APPS[0])->env('SESSION_STATUS'), 'invalid',
    'and does not bring it back');
SxTest::done();
