# SPDX-License-Identifier: Apache-2.0
# C10: children killed by SIGKILL in the middle of commits lose nothing that was
# answered and invent nothing; the others go on.
use SxTest;

use Time::HiRes qw(sleep time);

# Not by CGI: mod_cgid's daemon dies by SIGPIPE when a child that asked it is
# killed.
plan(skip_all => 'needs PHP') unless SxTest::php();
my $APP = '/s/php/app.php';

my $server = SxTest::Server->new(scopes => 1, php => 1, start => 4);
$server->start;
my $N = 6;
my @b = map { $server->browser } 1 .. $N;
$_->get($APP, h => ['Session-Set: keep=me']) for @b;
my $end = time + 3;

# Each process writes to its own session and to one that all share.
my $shared = $server->browser;
$shared->get($APP, h => ['Session-Set: keep=me']);
my @told = SxTest::parallel($N + 1, sub {
    my ($i) = @_;
    if ($i == $N) { # the killer
        my $killed = 0;
        while (time < $end - 0.3) {
            sleep 0.12;
            my @children = $server->children or next;
            $killed += kill KILL => $children[rand @children];
        }
        return { killed => $killed };
    }
    my %count = (sent => 0, done => 0, odd => 0);
    while (time < $end) {
        $count{sent}++;
        my $r = $b[$i]->get($APP, timeout => 5,
            h => ['Session-Incr: a=1&b=1']);
        $count{done}++ if $r->status == 200;
        my ($x, $y) = map { $r->env("SESSION_VAR_$_") // '' } qw(a b);
        $count{odd}++ if $r->status == 200 && $x ne $y;
        $r = $shared->clone->get($APP, timeout => 5,
            h => ['Session-Incr: n=1']);
        $count{shared_sent}++;
        $count{shared_done}++ if $r->status == 200;
    }
    return \%count;
});
my $killer = pop @told;
cmp_ok($killer->{killed}, '>', 3, "$killer->{killed} children were killed");

my ($sent, $done) = (0, 0);
for my $i (0 .. $N - 1) {
    my $r = $b[$i]->get($APP);
    is($r->env('SESSION_STATUS'), 'active', "session $i is there");
    is($r->env('SESSION_VAR_keep'), 'me', "session $i: with its data");
    my ($x, $y) = map { $r->env("SESSION_VAR_$_") } qw(a b);
    is($x, $y, "session $i: no half commit");
    is($told[$i]{odd}, 0, "session $i: nor was one ever to be seen");
    cmp_ok($x, '>=', $told[$i]{done}, "session $i: nothing answered is lost");
    cmp_ok($x, '<=', $told[$i]{sent}, "session $i: nothing is counted twice");
    $sent += $told[$i]{shared_sent};
    $done += $told[$i]{shared_done} || 0;
}
my $n = $shared->get($APP)->env('SESSION_VAR_n');
cmp_ok($n, '>=', $done, 'shared: nothing answered is lost');
cmp_ok($n, '<=', $sent, 'shared: nothing is counted twice');
cmp_ok($done, '>', 10, 'and the server went on working all the while');
SxTest::done();
