# SPDX-License-Identifier: Apache-2.0
# What was measured of shm_store and its peers beside what was aimed at.
package Bench::Aims;
use strict;
use warnings;
use List::Util qw(min);
use Exporter qw(import);
use lib __FILE__ =~ s|[^/]+/[^/]+\z||r;
use Bench::Engine;
use Bench::Table;

our @EXPORT = qw(aims);

my %word = (get => 'get', put => 'set', mix => '90:10');

# The figure of each round, or nothing.
sub rates
{
    my ($case, $name, $cell) = @_;
    my $run = $case && $case->{runs}{$name} or return;
    return @{($run->{cell}{$cell} // {})->{rate} // []};
}

# The median over rounds of what ours does beside another's.
sub beside
{
    my ($case, $name, $cell) = @_;
    my @ours = rates($case, 'shm', $cell);
    my @other = rates($case, $name, $cell);
    my $rounds = min(scalar @ours, scalar @other);
    return median(map { $ours[$_] / $other[$_] } 0 .. $rounds - 1);
}

# The same by CPU time, which others on the machine disturb less.
sub by_cpu
{
    my ($case, $name, $cell) = @_;
    my ($ours, $other) = map {
        median(@{($case->{runs}{$_}{cell}{$cell} // {})->{cpu} // []})
    } 'shm', $name;
    return $ours && $other ? sprintf(', by CPU time %.2f', $other / $ours) : '';
}

sub aims_beside
{
    my ($case, @cases) = @_;
    my %title = map { $_->{name} => $_->{title} } @Bench::Engine::ALL;
    my $text = '';
    for my $aim (['get', 'lmdb', 1.6], ['put', 'lmdb', 8], ['get', 'apcu', 2],
        ['put', 'apcu', 2.5], ['get', 'shmcb', 6], ['put', 'shmcb', 6]) {
        my ($what, $name, $least) = @$aim;
        my @every = map { beside($_, $name, "${what}1") // () } @cases;
        $text .= verdict("$word{$what} beside $title{$name}",
            beside($case, $name, "${what}1"), '>=', $least,
            'x' . by_cpu($case, $name, "${what}1")
                . (@every > 1 ? ', in all cases ' . spread('%.1f', @every)
                    : ''));
    }
    return $text;
}

sub aims_fast
{
    my ($case) = @_;
    my $text = '';
    for my $what ('get', 'put') {
        my $cpu = ($case->{runs}{shm}{cell}{"${what}1"} // {})->{cpu} // [];
        $text .= verdict("$word{$what}, 1 process",
            median(rates($case, 'shm', "${what}1")), '>=', 3.0,
            @$cpu ? sprintf('M/s, by CPU time %.2f', 1e3 / median(@$cpu)) : '');
    }
    $text .= verdict('get beside lookup+copy without lock',
        beside($case, 'table', 'get1'), '>=', 0.55,
        'x' . by_cpu($case, 'table', 'get1'));
    for my $aim (['get', 1.9], ['mix', 1.8], ['put', 1.4]) {
        my ($what, $least) = @$aim;
        my @one = rates($case, 'shm', "${what}1");
        my @two = rates($case, 'shm', "${what}2");
        my @times = map { $two[$_] / $one[$_] }
            0 .. min(scalar @one, scalar @two) - 1;
        $text .= verdict("$word{$what}, 2 processes beside 1",
            median(@times), '>=', $least,
            'x (' . spread('%.2f', @times) . ')');
    }
    return $text;
}

sub us_of_get
{
    my ($case, $name) = @_;
    my $rate = median(rates($case, $name, 'get1'));
    return $rate ? 1 / $rate : undef;
}

sub aims_large
{
    my (%case) = @_;
    my $text = verdict('get at 1 M records, 256 B',
        us_of_get($case{'1000000/256'}, 'shm'), '<=', 0.65, 'us');
    $text .= verdict('get at 1 M records, 1 KB',
        us_of_get($case{'1000000/1024'}, 'shm'), '<=', 0.8, 'us');
    my ($ours, $bare) = map {
        my $name = $_;
        my ($m, $tens) = map { us_of_get($case{"$_/256"}, $name) }
            1_000_000, 10_000_000;
        $m && $tens ? $tens / $m : undef
    } 'shm', 'memcpy';
    $text .= verdict('get from 1 M to 10 M records beside what memcpy loses',
        $ours && $bare ? $ours / $bare : undef, '<=', 1.15, 'x');
    return $text;
}

sub aim_storm
{
    my ($storm) = @_;
    my $what = 'acknowledged writes lost, torn or mixed after kill -9';
    return "* $what: the store was stuck: **missed**\n"
        if $storm && !$storm->{answers};
    return verdict($what,
        $storm && $storm->{lost} + $storm->{torn} + $storm->{mixed}, '<=', 0,
        $storm ? "of $storm->{kills} kills" : '');
}

sub aims_rest
{
    my ($case, $memory, @storms) = @_;
    my ($l, $u, $alone) = @{$case->{runs}{shm}}{qw(latency upkeep alone)};
    my $text = verdict('p99.9 of get, 90:10, 2 processes',
        $l && $l->{p999} / 1e3, '<=', 20, 'us');
    $text .= verdict('worst of any operation while a sweep runs',
        $u && $u->{worst} / 1e3, '<=', 1000, 'us'
            . ($alone ? sprintf ', %.0f at a lock alone', $alone->{worst} / 1e3
                : ''));
    $text .= verdict('memory over key and value, mean of 200..320 B',
        $memory->{mean}, '<=', 96, 'B');
    my $at = $memory->{worst_at};
    $text .= verdict('the worst of these sizes' . ($at ? ", $at B" : ''),
        $at && $memory->{over}{$at}, '<=', 116, 'B');
    $text .= verdict('memory over key and value, 1 KB', $memory->{over}{1024},
        '<=', 128, 'B');
    $text .= verdict("attach and check of $memory->{records} records",
        $memory->{check} && $memory->{check} / 1e9, '<=', 1, 's');
    return $text . aim_storm(map { $_->{storm} // () } grep { $_->{ours} }
        @storms);
}

# At 100 k records of 256 bytes where those were measured.
sub aims
{
    my ($memory, $storms, @cases) = @_;
    my %case = map { +"$_->{records}/$_->{bytes}" => $_ } @cases;
    my $base = $case{'100000/256'} // $cases[0];
    return "At $base->{records} records of $base->{bytes} bytes unless a line"
        . " says otherwise; medians of rounds.\n\n"
        . aims_beside($base, @cases) . aims_fast($base) . aims_large(%case)
        . aims_rest($base, $memory, @$storms);
}

1;
