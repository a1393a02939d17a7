# SPDX-License-Identifier: Apache-2.0
# Requests of one session that overlap: what each of them has changed by
# mod_session is there, and nothing else of what it has seen.
use SxTest;
use SxTest::ModSession qw(server log_in on);

my $s = server("<Location \"/app/\">\n" . on('SessionHeader X-Session')
    . "</Location>\n");
$s->start;
my $b = $s->browser;
$b->get('/app/cgi/app', h => ['X-Session: a=0&b=0&gone=1']);
sub data { return $b->get('/app/cgi/app')->env('SESSION_DATA') }

# Both have loaded before the first of them writes.
my $slow = $b->clone->start('/app/cgi/app', wait => 'one',
    h => ['X-Session: a=1']);
ok(SxTest::reached('one'), 'a request stands');
$b->get('/app/cgi/app', h => ['X-Session: b=1&gone=']);
SxTest::release('one');
is($slow->finish->status, 200, 'and goes on');
is(data(), 'a=1&b=1', 'of two writers each has changed its own key');

my @door = map { "door$_" } 1 .. 12;
my @waiting = map { $b->clone->start('/app/cgi/app', wait => $_,
    h => ["X-Session: $_=1"]) } @door;
SxTest::reached($_) for @door;
SxTest::release($_) for @door;
$_->finish for @waiting;
is(scalar(() = data() =~ /door/g), 12, 'of twelve, too');

# A log-in meanwhile: the slow one has the old id.
$slow = $b->clone->start('/app/cgi/app', wait => 'in', h => ['X-Session: c=1']);
SxTest::reached('in');
log_in($b, 'ann');
SxTest::release('in');
my $r = $slow->finish;
is($r->status, 200, 'a log-in meanwhile harms no answer');
is($r->header('Set-Cookie'), undef, 'which has no cookie');
unlike(data(), qr/c=1/, 'but nothing of it comes into the session by then');
is($b->get('/form/cgi/app')->status, 200, 'whose user stays logged in');

# A log-out meanwhile: nothing comes back.
$slow = $b->clone->start('/form/cgi/app', wait => 'out',
    h => ['Session-Set: c=1']);
SxTest::reached('out');
my $late = $b->clone;
$b->get('/form/logout');
SxTest::release('out');
$slow->finish;
is($_->get('/form/cgi/app')->status, 401, 'a log-out is final') for $b, $late;
SxTest::done();
