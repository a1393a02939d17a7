# SPDX-License-Identifier: Apache-2.0
# C7: after the grace of a silent renewal the old id is invalid, and its use is
# noted as such; the renewed session goes on.
use SxTest;

use Time::HiRes qw(sleep);

my $APP = '/reuse-after-grace/cgi/app';
my $REUSE = qr/\[session_ext:warn\].*id was used after its renewal/;

my $b = SxTest->browser;
$b->get($APP, h => ['Session-Set: cart=3']);
my $old = $b->clone;
my $late = $b->clone;
sleep 1.1;
$b->get($APP);
isnt($b->cookie('sid'), $old->cookie('sid'), 'the id was renewed');
my $mark = SxTest::log_mark();
is($old->clone->get($APP)->env('SESSION_STATUS'), 'active',
    'within the grace the old one works');
unlike(SxTest::error_log_since($mark), $REUSE, 'which nobody is told of');
my $slow = $late->start($APP, wait => 'slow', h => ['Session-Set: slow=1']);
SxTest::reached('slow');

sleep 1.2;
$mark = SxTest::log_mark();
my $thief = $old->clone;
my $r = $thief->get($APP);
is($r->env('SESSION_STATUS'), 'invalid', 'after the grace it is invalid');
is($r->env('SESSION_DATA'), undef, 'and shows nothing');
is($r->header('Set-Cookie'), undef, 'no cookie is given or deleted');
like(SxTest::error_log_since($mark), $REUSE, 'the log says that it was used');
my ($id) = $old->cookie('sid');
unlike(SxTest::error_log_since($mark), qr/\Q$id\E/, 'without the id');

$thief->get($APP, h => ['Session-Set: cart=9']);
isnt($thief->cookie('sid'), $b->cookie('sid'),
    'a write with it begins another session');
SxTest::release('slow');
is($slow->finish->status, 200,
    'a writer that was let in within the grace is answered after it');
$r = $b->get($APP);
is($r->env('SESSION_STATUS'), 'active', 'the renewed session goes on');
is($r->env('SESSION_VAR_cart'), '3', 'untouched by the late one');
is($r->env('SESSION_VAR_slow'), '1', 'with what the slow writer wrote');
SxTest::done();
