# SPDX-License-Identifier: Apache-2.0
# How long a graceful restart of httpd takes with a large store, beside one
# without any.
package Bench::Graceful;
use strict;
use warnings;
use Time::HiRes qw(sleep time);
use lib __FILE__ =~ s|[^/]+/[^/]+\z||r;
use Bench::Server;
use Bench::Table;
use SxTest::File qw(slurp);

my $fill_s = 5;    # new sessions of 1 KB, as many as there can be

sub begun
{
    my ($server) = @_;
    return scalar(() = slurp("$server->{root}/error_log")
        =~ /resuming normal operations/g);
}

# Until the new generation is at work, in milliseconds.
sub restart
{
    my ($server) = @_;
    my ($before, $begin) = (begun($server), time);
    kill 'USR1', $server->{pid};
    while (begun($server) == $before) {
        die "a graceful restart does not end\n" if time > $begin + 10;
        sleep 0.001;
    }
    my $ms = 1000 * (time - $begin);
    # The old one goes meanwhile.
    sleep 0.3;
    return $ms;
}

sub fill
{
    my ($server, $seconds) = @_;
    my @command = ('wrk', '-t1', '-c8', "-d${seconds}s",
        "http://127.0.0.1:$server->{port}/sxmake/1k.txt");
    my ($made) = qx(@command) =~ /(\d+) requests in/ or die "wrk failed\n";
    return $made;
}

sub server
{
    my ($opt, $name, %of) = @_;
    my $root = "$opt->{dir}/graceful-$name";
    mkdir $root or die "$root: $!\n";
    return Bench::Server->new(root => $root, mpm => 'event', lean => 1,
        log_level => 'notice', %of)->start;
}

sub tables
{
    my ($opt) = @_;
    print STDERR "graceful\n";
    my %server = (none => server($opt, 'none', storeless => 1),
        large => server($opt, 'large', size => '1g'));
    my $sessions = fill($server{large}, $opt->{quick} ? 1 : $fill_s);
    my %took;
    for (1 .. 4 * $opt->{rounds}) {
        push @{$took{$_}}, restart($server{$_}) for qw(none large);
    }
    $_->stop for values %server;
    my @added = map { $took{large}[$_] - $took{none}[$_] } 0 .. $#{$took{none}};
    my @rows = map { [$_->[0], map { sprintf '%.1f', $_ } median(@{$took{$_->[1]}}),
            (sort { $a <=> $b } @{$took{$_->[1]}})[0, -1]] }
        ['no store', 'none'], ["ShmStore size=1g, $sessions sessions", 'large'];
    return <<'END' . table(['', 'ms', 'least', 'most'], @rows) . "\n"
## A graceful restart

From the signal to the line in the log that says that httpd resumes; event,
without load. The two servers take turns.

END
        . verdict('a store of 1 GiB adds', median(@added), '<=', 50, 'ms');
}

1;
