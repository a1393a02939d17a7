# SPDX-License-Identifier: Apache-2.0
# C10 on every store: workers are killed under load, and then, where what a store
# confirms outlives its server, that one (or all of httpd, if it has none), and
# whatever was confirmed is there; nothing is there that nobody asked for.
use SxTest;
use SxTest::Storm;
use SxTest::Stores;
use Time::HiRes qw(sleep time);

my $CLIENTS = 4;
my ($WORKERS, $CRASHES) = $ENV{SXTEST_LONG} ? (200, 20) : (5, 1);

sub conf
{
    my ($store) = @_;
    my $spec = $store->spec;
    return $SxTest::Storm::CONF . $store->conf . <<"END";
<Location "/kept/">
    SessionExt On
    SessionExtStore $spec
    SessionExtOnStoreError 503
    Header set X-Read "%{SESSION_VAR_n}e"
</Location>
<Location "/kept/static/1k.txt">
    Header set Session-Incr "n=1"
</Location>
END
}

# Increments until the flag is there: how many were sent, how many of them
# answered, and the client as it is then.
sub client
{
    my ($browser, $flag) = @_;
    my %n = (sent => 0, sure => 0);
    my $end = time + 60 + $WORKERS;
    while (!-e $flag && time < $end) {
        $n{sent}++;
        my $r = $browser->get('/kept/static/1k.txt', timeout => 10);
        my $sure = !$r->error && $r->status == 200;
        $n{sure}++ if $sure;
        sleep 0.02 unless $sure;
    }
    return {%n, browser => $browser};
}

# What is there, once it can be asked again.
sub number
{
    my ($browser) = @_;
    my $end = time + 20;
    my $r;
    do {
        sleep 0.1 if $r;
        $r = $browser->get('/kept/static/hello.html', timeout => 10);
    } while (($r->error || $r->status != 200) && time < $end);
    return $r->header('X-Read') // 'nothing';
}

# What the clients have to tell of the time while $destroy is at work.
sub storm
{
    my ($server, $browsers, $destroy) = @_;
    my $flag = $server->root . '/barriers/over';
    unlink $flag;
    return SxTest::parallel(scalar @$browsers,
        sub { client($browsers->[$_[0]], $flag) },
        sub {
            sleep 0.5;
            my $done = eval { $destroy->(); 1 };
            sleep 0.5;
            open my $out, '>', $flag or die "$flag: $!\n";
            die $@ unless $done;
        });
}

sub kill_workers
{
    my ($server) = @_;
    my $done = 0;
    my $end = time + 30 + $WORKERS;
    while ($done < $WORKERS && time < $end) {
        my @workers = $server->children;
        $done += kill KILL => $workers[rand @workers] if @workers > 1;
        sleep 0.1 + rand 0.1;
    }
    return $done;
}

# And up again.
sub crash
{
    my ($store, $server) = @_;
    return $store->crash if $store->is_served;
    kill KILL => $server->pid, $server->children;
    $server->stop;
    $server->start;
    return;
}

# One MPM is enough for servers that know nothing of it.
my %durable = map { $_ => 1 } SxTest::Stores->durable;
my @names = grep { SxTest::mpm() eq 'event' || $_ eq 'file' }
    SxTest::Stores->names;
for my $name (@names) {
    my $store = SxTest::Stores->start($name);
    my $server = SxTest::Server->new($store->options, start => 4,
        conf => conf($store));
    $store->put_keys($server);
    $server->start;
    my @browsers = map { $server->browser } 1 .. $CLIENTS;
    $_->get('/kept/static/1k.txt') for @browsers;
    my @sent = (1) x $CLIENTS;
    my @sure = (1) x $CLIENTS;
    my $tally = sub {
        my ($what, @told) = @_;
        $sent[$_] += $told[$_]{sent} for 0 .. $#told;
        $sure[$_] += $told[$_]{sure} for 0 .. $#told;
        @browsers = map { $_->{browser} } @told;
        my @there = map { number($_) } @browsers;
        my @wrong = grep {
            $there[$_] eq 'nothing' || $there[$_] < $sure[$_]
                || $there[$_] > $sent[$_]
        } 0 .. $#there;
        is(scalar @wrong, 0, "$name: $what: what was confirmed is there, once")
            or diag join '; ', map { "$there[$_], $sure[$_] of $sent[$_]" }
            0 .. $#there;
        my $sure = 0;
        $sure += $_->{sure} for @told;
        cmp_ok($sure, '>', 10, "$name: there was work");
        return;
    };
    my $killed;
    my @told = storm($server, \@browsers,
        sub { $killed = kill_workers($server) });
    is($killed, $WORKERS, "$name: $killed workers were killed");
    $tally->('workers killed', @told);
    for my $round (1 .. ($durable{$name} ? $CRASHES : 0)) {
        @told = storm($server, \@browsers, sub { crash($store, $server) });
        $tally->("crash $round", @told);
    }
    $server->stop;
    $store->stop;
}
SxTest::done();
