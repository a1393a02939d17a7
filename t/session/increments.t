# SPDX-License-Identifier: Apache-2.0
# C2: 400 concurrent increments give exactly 400, and nothing is locked while
# an app runs.
use SxTest;

my $APP = SxTest::php() ? '/s/php/app.php' : '/s/sh/app';

# From processes, as fast as they can: 20 x 20 over two sessions.
my @session = map { SxTest->browser } 1 .. 2;
$_->get($APP, h => ['Session-Set: keep=me']) for @session;
my @failed = SxTest::parallel(20, sub {
    my ($i) = @_;
    my $b = $session[$i % 2];
    my $bad = 0;
    for my $n (1 .. 20) {
        my $r = $b->get($APP, h => ["Session-Incr: n=1&k$i=1",
            $n == 20 ? "Session-Incr: last=1" : ()]);
        $bad++ if $r->status != 200;
    }
    return $bad;
});
is("@failed", join(' ', (0) x 20), 'each of 400 requests is answered with 200');
my $sum = 0;
for my $i (0, 1) {
    my $r = $session[$i]->get($APP);
    $sum += $r->env('SESSION_VAR_n');
    is($r->env('SESSION_VAR_n'), '200', "session $i counted 200");
    is($r->env('SESSION_VAR_last'), '10', "session $i: and 10 of another key");
    my @own = map { $r->env("SESSION_VAR_k$_") // '-' }
        grep { $_ % 2 == $i } 0 .. 19;
    is("@own", join(' ', (20) x 10), "session $i: and 20 of each process");
    is($r->env('SESSION_VERSION'), 201, "session $i: one version a request");
}
is($sum, 400, 'together exactly 400');

# All at one instant: each has seen the same number and adds to another one.
my $b = SxTest->browser;
$b->get($APP, h => ['Session-Set: n=0']);
my @pending = map {
    $b->clone->start($APP, wait => 'herd', h => ['Session-Incr: n=1'])
} 1 .. 48;
SxTest::reached('herd', 48);

# While 48 apps stand there, somebody else reads and writes.
my $r = $b->get('/s/cgi/app', h => ['Session-Incr: n=1000']);
is($r->status, 200, 'a write is not held up by apps that run');
cmp_ok($r->elapsed, '<', 2, 'nor even delayed');
is($b->get('/s/cgi/app')->env('SESSION_VAR_n'), '1000', 'and it is there');

SxTest::release('herd');
my @answers = map { $_->finish } @pending;
is(scalar(grep { $_->status == 200 } @answers), 48,
    'each of 48 at the same instant is answered with 200');
is(scalar(grep { ($_->env('SESSION_VAR_n') // '') eq '0' } @answers), 48,
    'each had seen the same number');
is($b->get('/s/cgi/app')->env('SESSION_VAR_n'), '1048', 'none is lost');

# What cannot be added to is refused and stays.
for my $case (['n=abc', '1', 'text'], ['n=1.5', '1', 'a float'],
        ['n=9223372036854775807', '1', 'overflow'],
        ['n=-9223372036854775808', '-1', 'underflow']) {
    my ($set, $by, $what) = @$case;
    $b->get('/s/cgi/app', h => ["Session-Set: $set"]);
    $b->get('/s/cgi/app', h => ["Session-Incr: n=$by&other=1"]);
    $r = $b->get('/s/cgi/app');
    is('n=' . $r->env('SESSION_VAR_n'), $set, "$what: the value stays");
    is($r->env('SESSION_VAR_other'), undef, "$what: nothing else is applied");
}
$b->get('/s/cgi/app', h => ['Session-Incr: stock=-2&stock=5']);
is($b->get('/s/cgi/app')->env('SESSION_VAR_stock'), '3',
    'an absent key counts from 0, and both pairs of one key count');
SxTest::done();
