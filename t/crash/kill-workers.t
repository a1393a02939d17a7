# SPDX-License-Identifier: Apache-2.0
# kill -9 of random workers under mixed load: nobody waits a second for us,
# every confirmed write is there afterwards, and the segment is sound.
# SXTEST_LONG=1: two hundred kills.
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

# With a lost answer nobody knows whether it is there: it is left alone then.
sub end_it
{
    my ($stat, $session) = @_;
    ask($stat, $session, 'Session-Destroy: on') or return;
    my $status = $session->{b}->clone->get($APP)->env('SESSION_STATUS');
    push @{ $stat->{wrong} }, "after its end a session is $status"
        if defined $status && $status ne 'none';
    return;
}

sub client
{
    my %stat = (longest => 0, asked => 0, bad => {}, wrong => []);
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
        elsif ($dice < 0.97) {
            read_it(\%stat, $session);
        }
        else {
            end_it(\%stat, $session);
            $sessions[$i] = new_session();
        }
    }
    read_it(\%stat, $_) for grep { $_->{sure} } @sessions;
    return \%stat;
}

# What httpd and the machine cost: the longest wait for a plain file.
sub control
{
    my $longest = 0;
    my $b = $s->browser;
    until (SxTest::Storm::is_over($s)) {
        my $took = $b->get('/x/static/1k.txt', timeout => 10)->elapsed || 0;
        $longest = $took if $took > $longest;
        select undef, undef, undef, 0.01;
    }
    return $longest;
}

$s->start;
my ($killed, $plain, @stats) = SxTest::Storm::rage($s, $KILLS, \&control,
    (\&client) x 3);
is($killed, $KILLS, "$KILLS workers were killed");
my $asked = 0;
for my $n (0 .. $#stats) {
    my $stat = $stats[$n];
    $asked += $stat->{asked};
    is(join('; ', @{ $stat->{wrong} }), '',
        "client $n found every confirmed write");
    is(join(' ', %{ $stat->{bad} }), '', 'no answer was an error');
    cmp_ok($stat->{longest}, '<', 1 + $plain,
        'and none took a second more than plain files did');
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
