# SPDX-License-Identifier: Apache-2.0
# Graceful restarts under load: no request fails, no session is lost, no write
# is forgotten. SXTEST_LONG=1: fifty restarts in a minute.
use SxTest;
use SxTest::Segment;
use SxTest::Storm;
use Time::HiRes qw(sleep time);

my $RESTARTS = $ENV{SXTEST_LONG} ? 50 : 10;
my $PAUSE = $ENV{SXTEST_LONG} ? 1.2 : 0.3;
my $CLIENTS = 3;

my $s = SxTest::Storm::server(scopes => 1);
my $APP = SxTest::Storm::app();
my $over = $s->root . '/barriers/over';

sub restart_all
{
    my $done = 0;
    for (1 .. $RESTARTS) {
        $done++ if eval { $s->graceful };
        sleep $PAUSE;
    }
    open my $mark, '>', $over or die "$over: $!\n";
    return $done;
}

# Every answer says the count that this client knows to be right.
sub one_client
{
    my @trouble;
    my $b = $s->browser;
    my $count = 0;
    my $end = time + 120;
    while (!-e $over && time < $end) {
        my $r = $b->get($APP, h => ['Session-Incr: n=1']);
        $count++ if $r->status == 200;
        push @trouble, 'write: ' . ($r->error || $r->status)
            if $r->status != 200 || $r->error;
        $r = $b->get($APP);
        my $seen = $r->env('SESSION_VAR_n');
        push @trouble, 'read: ' . ($r->error || $r->status) . ', '
            . (defined $seen ? $seen : 'nothing') . " instead of $count"
            unless $r->status == 200 && defined $seen && $seen == $count;
        last if @trouble > 5;
    }
    return { count => $count, trouble => \@trouble,
        cookie => $b->cookie('sid') };
}

$s->start;
my ($done, @clients) = SxTest::parallel($CLIENTS + 1, sub {
    return $_[0] ? one_client() : restart_all();
});
is($done, $RESTARTS, "the server came back from $RESTARTS restarts");
my $total = 0;
for my $n (0 .. $#clients) {
    my $client = $clients[$n];
    is(join("\n", @{ $client->{trouble} }), '',
        "no request of client $n failed and no write was lost");
    my $b = $s->browser;
    $b->set_cookie(sid => $client->{cookie});
    is($b->get($APP)->env('SESSION_VAR_n'), $client->{count},
        "its session is there at the end");
    $total += $client->{count};
}
cmp_ok($total, '>', 2 * $RESTARTS, "there was load: $total writes");
unlike($s->error_log, qr/\[session_ext:(?:crit|err|emerg|warn)\]/,
    'the log has no trouble of ours');
is(SxTest::Segment::fault($s->runtime_dir . '/session_ext-sessions.shm'), '',
    'the segment is sound');
SxTest::done();
