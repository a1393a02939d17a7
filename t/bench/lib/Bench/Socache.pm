# SPDX-License-Identifier: Apache-2.0
# The socache provider beside shmcb, in a real httpd and used as mod_ssl uses
# one, with ids of three forms.
package Bench::Socache;
use strict;
use warnings;
use lib __FILE__ =~ s|[^/]+/[^/]+\z||r;
use Bench::Table;
use SxTest ();    # a test ends after a while, a benchmark does not

my @KEYS = qw(random hex text);
my @PROVIDERS = qw(shm_store shmcb);
my $SIZE = 8 << 20;
my $LEN = 150;    # of a value: what mod_ssl says that its have

my %says = (
    random => 'random bytes', hex => 'hex digits', text => 'one beginning');

sub server
{
    my ($opt) = @_;
    local $ENV{SXTEST_TMP} = $opt->{dir};
    my $conf = 'LoadModule bench_socache_module '
        . SxTest::Paths::user_module('mod_bench_socache') . "\n";
    for my $provider (@PROVIDERS) {
        $conf .= "BenchSocache $provider-$_ $provider:$provider-$_($SIZE)\n"
            for @KEYS;
    }
    return SxTest::Server->new(mpm => 'prefork', more => [], conf => $conf
        . "<Location /socache>\nSetHandler bench-socache\n</Location>\n")
        ->start;
}

# How many of n were had, and ns for each.
sub order
{
    my ($server, $cache, $do, $keys, $n) = @_;
    my $r = $server->browser->get("/socache?cache=$cache&do=$do&keys=$keys"
        . "&n=$n&len=$LEN", timeout => 60);
    my ($done, $wrong, $refused, $ns) = $r->body
        =~ /^done (\d+) wrong (\d+) refused (\d+) ns (\d+)/
        or die "$cache does not $do: " . $r->status . "\n";
    die "$cache gives what is another's\n" if $wrong;
    return { found => $done / $n, ns => $ns / $n };
}

# Two processes that find at one time: ns for each of both together.
sub by_two
{
    my ($server, $cache, $keys, $n) = @_;
    my @both = SxTest::parallel(2,
        sub { return order($server, $cache, 'find', $keys, $n)->{ns} });
    return 1 / (1 / $both[0] + 1 / $both[1]);
}

sub measure
{
    my ($server, $rounds, $n) = @_;
    my %got;
    for my $round (0 .. $rounds) {
        for my $keys (@KEYS) {
            for my $provider (@PROVIDERS) {
                my $cache = "$provider-$keys";
                # Or it would replace: TLS sessions are new ones.
                order($server, $cache, 'drop', $keys, $n);
                my $put = order($server, $cache, 'fill', $keys, $n);
                my $get = order($server, $cache, 'find', $keys, $n);
                my $two = by_two($server, $cache, $keys, $n);
                next if !$round;    # every page is new to somebody
                push @{ $got{$cache}{put} }, $put->{ns};
                push @{ $got{$cache}{get} }, $get->{ns};
                push @{ $got{$cache}{two} }, $two;
                $got{$cache}{found} = $get->{found};
            }
        }
    }
    return \%got;
}

sub tables
{
    my ($opt) = @_;
    print STDERR "socache\n";
    my $n = $opt->{quick} ? 2000 : 20_000;
    my $server = server($opt);
    my $got = measure($server, $opt->{rounds}, $n);
    $server->stop;
    my @rows;
    for my $keys (@KEYS) {
        for my $provider (@PROVIDERS) {
            my $one = $got->{"$provider-$keys"};
            push @rows, ["$provider, $says{$keys}",
                sprintf('%.4g %%', 100 * $one->{found}),
                map { sprintf '%.2f', median(@{ $one->{$_} }) / 1e3 }
                    qw(get two put)];
        }
    }
    return <<"END" . table(['', 'found again', 'get, us',
## As a socache provider

Inside httpd (prefork), by a module that uses a provider as mod_ssl does: $n
objects of $LEN bytes, in a cache of @{[$SIZE >> 20]} MiB for each row, every call to
shmcb inside the global mutex that it asks for. Ids are 32 random bytes, as
those of TLS sessions are; 32 hex digits; URLs that begin alike. All are
stored, then all are looked for; what shmcb does not find again had to go for
others, though there is room. Times are those of one process, and for two at one
time the time in which both together do one call.

END
        'two processes', 'put, us'], @rows);
}

1;
