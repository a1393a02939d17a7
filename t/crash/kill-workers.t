# SPDX-License-Identifier: Apache-2.0
# kill -9 of random workers under mixed load: nobody waits over a second, every
# confirmed write is there afterwards, and the segment is sound. SXTEST_LONG=1:
# two hundred kills.
use SxTest;
use SxTest::Segment;
use SxTest::Storm;

my $KILLS = $ENV{SXTEST_LONG} ? 200 : 20;
my $s = SxTest::Storm::server(scopes => 1, conf => $SxTest::Storm::CONF);
my $APP = SxTest::Storm::app();

# What a client knows: increments confirmed and unknown (the answer was lost).
# The same for sessions ended and for the longest wait.
sub new_session
{
    return { b => $s->browser, sure => 0, maybe => 0, set => '', gone => 0 };
}

# The answer, or undef if the worker died on us.
sub ask
{
    my ($stat, $session, @h) = @_;
    my $r = $session->{b}->get($APP, h => \@h, timeout => 10);
    my $took = $r->elapsed || 0;
    $stat->{longest} = $took if $took > $stat->{longest};
    $stat->{asked}++;
    $stat->{bad}{ $r->status }++ if $r->status !~ /^(?:0|200)$/;
    return $r->status == 200 && !$r->error ? $r : undef;
}

sub write_some
{
    my ($stat, $session) = @_;
    if (rand() < 0.6) {
        my $r = ask($stat, $session, 'Session-Incr: n=1');
        $session->{ $r ? 'sure' : 'maybe' }++;
        return;
    }
    my $value = join '', map { chr 97 + int rand 26 } 1 .. 100 + rand 6000;
    my $r = ask($stat, $session, "Session-Set: v=$value");
    $session->{set} = $r ? $value : undef;
    return;
}

sub read_it
{
    my ($stat, $session) = @_;
    my $r = ask($stat, $session) or return;
    push @{ $stat->{wrong} }, complaint($session, $r);
    return;
}

sub complaint
{
    my ($session, $r) = @_;
    my $n = $r->env('SESSION_VAR_n') || 0;
    return "a session is gone: " . ($r->env('SESSION_STATUS') || 'nothing')
        if $session->{sure} && ($r->env('SESSION_STATUS') || '') ne 'active';
    return "$n of $session->{sure} to " . ($session->{sure} + $session->{maybe})
        if $n < $session->{sure} || $n > $session->{sure} + $session->{maybe};
    my $v = $r->env('SESSION_VAR_v');
    return 'a value is another one'
        if $session->{set} && (!defined $v || $v ne $session->{set});
    return ();
}

sub end_it
{
    my ($stat, $session) = @_;
    ask($stat, $session, 'Session-Destroy: on') or return 0;
    $stat->{ended}++;
    return 1;
}

sub client
{
    my %stat = (longest => 0, asked => 0, ended => 0, bad => {}, wrong => []);
    my @sessions = map { new_session() } 1 .. 5;
    until (SxTest::Storm::is_over($s)) {
        my $i = int rand @sessions;
        my $session = $sessions[$i];
        # A first cookie that was lost with its answer is nobody's session.
        if (!defined $session->{b}->cookie('sid')) {
            $session = $sessions[$i] = new_session();
        }
        my $dice = rand;
        if ($dice < 0.55) {
            write_some(\%stat, $session);
        }
        elsif ($dice < 0.97 || !end_it(\%stat, $session)) {
            read_it(\%stat, $session);
        }
        else {
            $sessions[$i] = new_session();
        }
    }
    read_it(\%stat, $_) for grep { $_->{sure} } @sessions;
    return \%stat;
}

$s->start;
my ($killed, @stats) = SxTest::Storm::rage($s, $KILLS, (\&client) x 3);
is($killed, $KILLS, "$KILLS workers were killed");
my $asked = 0;
for my $n (0 .. $#stats) {
    my $stat = $stats[$n];
    $asked += $stat->{asked};
    is(join('; ', @{ $stat->{wrong} }), '',
        "client $n found every confirmed write");
    is(join(' ', %{ $stat->{bad} }), '', 'no answer was an error');
    cmp_ok($stat->{longest}, '<', 1, 'and none took a second');
}
my $file = $s->runtime_dir . '/session_ext-sessions.shm';
cmp_ok($asked, '>', 10 * $KILLS, "there was load: $asked requests");
is(SxTest::Segment::fault($file), '', 'the segment is sound under way');
note('shards repaired: ',
    SxTest::Segment::counter($file, 'owner_deaths') // 'unknown');
is($s->browser->get($APP, h => ['Session-Set: a=1'])->status, 200,
    'and the server goes on');
$s->stop;
is(SxTest::Segment::fault($file), '', 'the segment is sound at the end');
SxTest::done();
