# SPDX-License-Identifier: Apache-2.0
# Three hosts on one store, as far as they know: runtime directories, ports and
# memory are their own, keys and store are not. A client that is thrown between
# them at random reads what it wrote, follows renewals, and is logged out
# everywhere at once; one host dies and one is cut off meanwhile.
use SxTest;
use SxTest::BadPeer;
use SxTest::Stores;
use Time::HiRes qw(sleep time);

my $APP = '/kept/cgi/app';
my $HOPS = $ENV{SXTEST_LONG} ? 500 : 40;

sub host
{
    my ($store, $spec, $conf) = @_;
    my $server = SxTest::Server->new($store->options, conf => $conf . <<"END");
<Location "/kept/">
    SessionExt On
    SessionExtStore $spec
    SessionExtRenewInterval 1s
    SessionExtOnStoreError 503
</Location>
END
    return $server;
}

# The same client at another host.
sub at
{
    my ($browser, $server, %ask) = @_;
    return $browser->get($APP, port => $server->port, timeout => 20, %ask);
}

sub status { return at(@_)->env('SESSION_STATUS') }

# What a host answers when it has its store back, which each of its processes
# finds for itself, within five seconds.
sub when_back
{
    my ($browser, $server) = @_;
    my $end = time + 5;
    my $r = at($browser, $server);
    while ($r->status == 503 && time < $end) {
        sleep 0.1;
        $r = at($browser, $server);
    }
    return $r;
}

# What is there, from whoever can say it by now.
sub settled
{
    my ($browser, $hosts) = @_;
    my $end = time + 20;
    while (time < $end) {
        my $r = at($browser, $hosts->[rand @$hosts]);
        return $r->env('SESSION_VAR_n') // 'nothing' if $r->status == 200;
        sleep 0.05;
    }
    return 'no answer';
}

# One client, wherever its next request goes: how often it did not find what it
# had written.  Who was told by 503 that something failed looks what there is.
sub wander
{
    my ($hosts, $hops) = @_;
    my $browser = $hosts->[0]->browser;
    my ($n, $wrong, %ids) = (0, 0);
    at($browser, $hosts->[0], h => ['Session-Set: user=alice&n=0']);
    for my $i (1 .. $hops) {
        my $r = at($browser, $hosts->[rand @$hosts], h => ['Session-Incr: n=1',
            $i % 15 ? () : 'Session-Renew: on']);
        my $was = $r->status == 503 ? $n : $r->env('SESSION_VAR_n');
        my $is = $r->status == 503 ? settled($browser, $hosts) : $n + 1;
        $wrong++ unless defined $was && $was eq $n
            && ($is eq $n || $is eq $n + 1);
        $n = $is;
        $ids{$browser->cookie('sid')} = 1;
    }
    return {wrong => $wrong, ids => scalar keys %ids, n => $n,
        browser => $browser};
}

sub logged_out_everywhere
{
    my ($name, @hosts) = @_;
    my @there = map { my $b = $hosts[$_]->browser;
        at($b, $hosts[$_], h => ['Session-Set: user=bert']); $b } 0 .. $#hosts;
    at($there[0], $hosts[1], h => ['Session-Logout: others']);
    is(join(' ', map { my $b = $_; map { status($b, $_) } @hosts } @there),
        'active ' x @hosts . join(' ', ('invalid') x (@hosts * $#hosts)),
        "$name: a logout on one host is one on all, at once");
    return;
}

# Two renewals at one time on two hosts: one wins, and the session is one.
sub renewed_once
{
    my ($name, @hosts) = @_;
    my $browser = $hosts[0]->browser;
    at($browser, $hosts[0], h => ['Session-Set: user=carl&n=0']);
    my @one = map { $browser->clone } @hosts;
    my @pending = map { $one[$_]->start($APP, port => $hosts[$_]->port,
        wait => 'gate', h => ['Session-Renew: on']) } 0 .. $#hosts;
    SxTest::reached('gate', scalar @hosts);
    SxTest::release('gate');
    $_->finish for @pending;
    my @alive = grep { status($one[$_], $hosts[0]) eq 'active' } 0 .. $#hosts;
    is(scalar @alive, 1, "$name: of renewals on all hosts one wins");
    is(status($browser, $hosts[1]), 'invalid', "$name: and the old id is dead");
    return;
}

# What a host goes through while clients wander between the others.
sub beside
{
    my ($what, $hosts, $harm) = @_;
    my @told = SxTest::parallel(2, sub { wander($hosts, $HOPS) },
        sub { sleep 0.2; $harm->() });
    is(join(' ', map { $_->{wrong} } @told), '0 0',
        "$what: others go on, and nothing is lost");
    return @told;
}

# The third host reaches the store by a proxy, which can be cut.
my %PROXY = (
    redis => sub { my ($store, $peer) = @_;
        return ('redis://127.0.0.1:' . $peer->port, $store->conf) },
    pgsql => sub { my ($store, $peer) = @_;
        my $there = 'host=127.0.0.1 port=' . $peer->port;
        return ('dbd', $store->conf =~ s/host=\S+/$there/r) },
);
my %SOCKET = (redis => sub { $_[0]->socket },
    pgsql => sub { $_[0]->dir . '/.s.PGSQL.5432' });

# One MPM is enough for databases.
for my $name (SxTest::mpm() eq 'event' ? qw(redis pgsql) : 'redis') {
    my $store = SxTest::Stores->start($name);
    my $peer =
        SxTest::BadPeer->start(before => $SOCKET{$name}->($store->beside));
    my @hosts = (map({ host($store, $store->spec, $store->conf) } 1, 2),
        host($store, $PROXY{$name}->($store, $peer)));
    $store->put_keys($hosts[0]);
    for my $host (@hosts) {
        my ($from, $to) = map { $_->runtime_dir . '/store.keys' }
            $hosts[0], $host;
        $from eq $to || system('cp', '-p', $from, $to) == 0 or die;
        $host->start;
    }
    my $went = wander(\@hosts, $HOPS);
    is($went->{wrong}, 0, "$name: what one host writes the next one reads");
    cmp_ok($went->{ids}, '>', 2, "$name: over $went->{ids} ids");
    logged_out_everywhere($name, @hosts);
    renewed_once($name, @hosts);

    my $kept = $hosts[1]->browser;
    at($kept, $hosts[1], h => ['Session-Set: user=dora']);
    my ($told) = beside("$name: a host is killed", [@hosts[0, 2]], sub {
        kill KILL => $hosts[1]->pid, $hosts[1]->children;
    });
    $hosts[1]->stop;
    $hosts[1]->start;
    is(at($told->{browser}, $hosts[1])->env('SESSION_VAR_n'), $told->{n},
        "$name: and when it is back it finds what was written meanwhile");
    is(status($kept, $hosts[1]), 'active', "$name: and what was before");

    my $cut = $hosts[2]->browser;
    at($cut, $hosts[2], h => ['Session-Set: user=emil']);
    my $id = $cut->cookie('sid');
    ($told) = beside("$name: a host is cut off", [@hosts[0, 1]], sub {
        $peer->does('refuse');
        my $r = at($cut, $hosts[2]);
        is($r->status, 503, "$name: it serves no session it cannot read");
        is($cut->cookie('sid'), $id, "$name: and takes no cookie away");
    });
    at($cut->clone, $hosts[0], h => ['Session-Logout: all']);
    $peer->does('pass');
    is(when_back($told->{browser}, $hosts[2])->status, 200,
        "$name: it finds the store again by itself");
    is(when_back($told->{browser}, $hosts[2])->env('SESSION_VAR_n'),
        $told->{n}, "$name: with what was written meanwhile");
    is(when_back($cut, $hosts[2])->env('SESSION_STATUS'), 'invalid',
        "$name: and nobody who was logged out meanwhile");
    $_->stop for @hosts;
    $peer->stop;
    $store->stop;
}
SxTest::done();
