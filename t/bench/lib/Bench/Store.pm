# SPDX-License-Identifier: Apache-2.0
# shm_store beside its peers and what bounds it: how fast, how much memory,
# what is found again, what kill -9 leaves.
package Bench::Store;
use strict;
use warnings;
use List::Util qw(max min sum0);
use lib __FILE__ =~ s|[^/]+/[^/]+\z||r;
use Bench::Engine;
use Bench::Plot;
use Bench::Progress;
use Bench::Table;

my @orders = (['get', 1], ['put', 1], ['mix', 1],
              ['get', 2], ['put', 2], ['mix', 2]);
my %word = (get => 'get', put => 'set', mix => '90:10');
my @all = @Bench::Engine::ALL;
my $PLOT = 'performance-store.svg';

# What is measured, by how long it may take.
sub sizes
{
    my ($opt) = @_;
    return (
        bytes => $opt->{quick} ? [256] : [256, 1024],
        records => [10_000, $opt->{quick} ? () : (100_000, 1_000_000),
            $opt->{long} ? 10_000_000 : ()],
        ms => $opt->{quick} ? 50 : 200,
        kills => $opt->{quick} ? 3 : 50,
        memory => $opt->{quick} ? 10_000 : 1_000_000,
        lengths => $opt->{quick} ? [200, 256, 320]
            : [map { 200 + 8 * $_ } 0 .. 15],
    );
}

# ---- how fast ---------------------------------------------------------------

sub one
{
    my ($run, $what, $workers, $ms) = @_;
    my $got = $run->order("$what $workers $ms") or return;
    my $cell = $run->{cell}{"$what$workers"} //= {};
    push @{$cell->{rate}}, $got->{ops} / $got->{wall} * 1e3; # millions a second
    push @{$cell->{cpu}},  $got->{cpu} / $got->{ops};        # ns of CPU each
    $run->{ops} += $got->{ops};
    $run->{failed} += $got->{failed};
    return;
}

sub before_load
{
    my ($run) = @_;
    my $used = $run->order('used') or return;
    my $case = $run->{case};
    $run->{over} = $used->{bytes} / $case->{records} - $case->{bytes} - 32
        if $used->{bytes};
    return;
}

# These engines in turns, so that noise falls on all of them.
sub race
{
    my ($size, $rounds, @runs) = @_;
    before_load($_) for @runs;
    for (1 .. $rounds) {
        for my $order (@orders) {
            one($_, @$order, $size->{ms}) for @runs;
        }
    }
    for my $run (@runs) {
        my $found = $run->order('found');
        $run->{found} = $found->{found} / $found->{looked} if $found;
        $run->{latency} = $run->order("latency $size->{ms}") if $run->{ours};
        $run->{upkeep} = $run->order('upkeep ' . 5 * $size->{ms})
            if $run->{ours};
        $run->end;
    }
    return;
}

# All engines at once, unless memory is too small for that: then each alone.
sub case_of
{
    my ($opt, $size, $case, %begun) = @_;
    my @names = map { $_->{name} } @all;
    my $together = 0.8 * Bench::Engine::available()
        > @names * Bench::Engine::need($case);
    my %runs;
    for my $name (@names) {
        progress("store: $case->{records} x $case->{bytes}: filling $name");
        my $run = $runs{$name} = $begun{$name}
            // Bench::Engine->start($opt, $name, $case);
        $run->filled;
        race($size, $opt->{rounds}, $run) if !$together;
    }
    progress("store: $case->{records} x $case->{bytes}: taking turns");
    race($size, $opt->{rounds}, map { $runs{$_} } @names) if $together;
    $_->end for values %runs;
    return \%runs;
}

sub speed
{
    my ($opt, $size) = @_;
    my @cases;
    for my $records (@{$size->{records}}) {
        my @case = map { {records => $records, bytes => $_} }
            @{$size->{bytes}};
        # shmcb takes a minute for a million records: all sizes at once.  It
        # is not asked for more, which would take it hours.
        my @shmcb = $records > 1_000_000 ? () : map {
            Bench::Engine->start($opt, 'shmcb', $_)
        } @case;
        for my $i (0 .. $#case) {
            $case[$i]{runs} = case_of($opt, $size, $case[$i],
                shmcb => $shmcb[$i] // Bench::Engine->absent('shmcb', $case[$i],
                    'a fill takes hours'));
            push @cases, $case[$i];
        }
    }
    return @cases;
}

# ---- memory of ours ---------------------------------------------------------

# A segment that the records just fill: what is not free in a larger one says
# too little of the index, which goes by the size of the segment.  Returns
# bytes over key and value, and how long the store took to check itself.
sub tight
{
    my ($opt, $case, $room) = @_;
    my ($over, $reopen);
    for (1 .. 6) {
        my $run = Bench::Engine->start($opt, 'shm', {%$case, room => $room});
        if (!$run->filled || $run->{fill}{failed}) {
            # The refusals are not news here.
            $run->end;
            $room = int($room * 1.04 + $case->{bytes} * 0.02);
            next;
        }
        before_load($run);
        $over = $run->{over};
        $reopen = $run->order('reopen');
        $run->end;
        # New sessions may use 97 %; with more than that free, once more.
        last if !defined $over || $over > $room - 0.06 * ($room + $case->{bytes});
        $room = int($over + 0.04 * ($over + $case->{bytes} + 32)) + 1;
    }
    return ($over, $reopen && $reopen->{wall});
}

sub memory
{
    my ($opt, $size) = @_;
    my %got = (records => $size->{memory});
    my $room = 110;
    for my $bytes (@{$size->{lengths}}, 1024) {
        progress("store: memory of $size->{memory} x $bytes");
        my ($over, $wall) = tight($opt,
            {records => $size->{memory}, bytes => $bytes}, int $room);
        next unless defined $over;
        $got{over}{$bytes} = $over;
        $got{check} = max($got{check} // 0, $wall) if $wall;
        $room = $over * 1.05 + 12;
    }
    my @sizes = grep { $_ != 1024 } keys %{$got{over} // {}};
    my @over = map { $got{over}{$_} } @sizes;
    $got{mean} = @over ? sum0(@over) / @over : undef;
    ($got{worst_at}) = sort { $got{over}{$b} <=> $got{over}{$a} } @sizes;
    return \%got;
}

# ---- kill -9 ----------------------------------------------------------------

# With so much room that nothing has to go to make some.
sub storms
{
    my ($opt, $size) = @_;
    my @runs;
    for my $about (grep { $_->{name} ne 'memcpy' } @all) {
        progress("store: kill -9, $about->{name}");
        my $run = Bench::Engine->start($opt, $about->{name},
            {records => 10_000, bytes => 256, room => 3000});
        push @runs, $run;
        next unless $run->filled;
        $run->{storm} = $run->order("storm $size->{kills}", 120);
        $run->{restart} = $run->order('restart') if $run->{storm};
        $run->end;
    }
    return @runs;
}

# ---- tables -----------------------------------------------------------------

sub figure
{
    my ($value) = @_;
    return sprintf $value >= 100 ? '%.0f' : $value >= 10 ? '%.1f'
        : $value >= 0.1 ? '%.2f' : '%.3f', $value;
}

sub why_not
{
    my ($run) = @_;
    return $run->{absent} // $run->{dead};
}

sub speed_row
{
    my ($case, $about) = @_;
    my $run = $case->{runs}{$about->{name}};
    my @cells = map {
        my $cell = $run->{cell}{"$_->[0]$_->[1]"};
        $cell ? figure(median(@{$cell->{rate}})) . ' / '
            . sprintf('%.0f', median(@{$cell->{cpu}}))
            : why_not($run) // '-'
    } @orders;
    my $found = !defined $run->{found} ? '-'
        : $run->{found} == 1 ? '100 %' : sprintf '%.1f %%', 100 * $run->{found};
    return [$about->{title}, $case->{records}, $case->{bytes}, @cells, $found];
}

sub speed_table
{
    my (@cases) = @_;
    return table(['store', 'records', 'bytes',
            map({ $word{$_->[0]} . ($_->[1] > 1 ? " $_->[1]p" : '') } @orders),
            'found'],
        map { my $case = $_; map { speed_row($case, $_) } @all } @cases);
}

# Ours from segments that its records just fill, the others' from the races.
sub memory_table
{
    my ($memory, @cases) = @_;
    my @rows;
    for my $about (grep { !$_->{bound} } @all) {
        my @over = map {
            my $case = $_;
            $about->{ours} ? $memory->{over}{$case->{bytes}}
                : $case->{runs}{$about->{name}}{over}
        } @cases;
        push @rows, [$about->{title},
            map { defined ? sprintf('%.0f', $_) : '-' } @over];
    }
    return table(['store', map({ "$_->{bytes} B" } @cases)], @rows);
}

sub storm_row
{
    my ($run) = @_;
    my $s = $run->{storm}
        or return [$run->{title}, (why_not($run) // '-') x 2, ('-') x 4];
    my $server = $run->{restart}
        ? sprintf('%.0f %%', 100 * $run->{restart}{found}
            / $run->{restart}{looked}) : '-';
    return [$run->{title}, $s->{kills}, "**stuck**", ('-') x 4]
        unless $s->{answers};
    return [$run->{title}, $s->{kills}, 'yes', $s->{lost},
        $s->{torn} + $s->{mixed}, sprintf('%.1f', $s->{longest} / 1e6),
        $server];
}

sub storm_table
{
    return table(['store', 'writers killed', 'answers', 'acknowledged, lost',
        'torn or mixed', 'longest wait, ms', 'server killed: found'],
        map { storm_row($_) } @_);
}

sub latency_table
{
    my (@cases) = @_;
    my @rows;
    for my $case (@cases) {
        my ($l, $u) = @{$case->{runs}{shm}}{qw(latency upkeep)};
        next unless $l && $u;
        push @rows, [$case->{records}, $case->{bytes},
            map({ sprintf '%.2f', $l->{$_} / 1e3 } qw(p50 p99 p999)),
            sprintf('%.1f', $u->{p999} / 1e3),
            sprintf('%.1f', $u->{worst} / 1e3)];
    }
    return table(['records', 'bytes', 'get p50, us', 'p99', 'p99.9',
        'sweep: any p99.9', 'worst'], @rows);
}

# ---- aims -------------------------------------------------------------------

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

sub aims_beside
{
    my ($case, @cases) = @_;
    my %title = map { $_->{name} => $_->{title} } @all;
    my $text = '';
    for my $aim (['get', 'lmdb', 1.6], ['put', 'lmdb', 8], ['get', 'apcu', 2],
        ['put', 'apcu', 2.5], ['get', 'shmcb', 6], ['put', 'shmcb', 6]) {
        my ($what, $name, $least) = @$aim;
        my @every = grep { defined } map { beside($_, $name, "${what}1") }
            @cases;
        $text .= verdict("$word{$what} beside $title{$name}",
            beside($case, $name, "${what}1"), '>=', $least,
            @every ? sprintf('x, %s in other cases', spread('%.1f', @every))
                : 'x');
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
        beside($case, 'table', 'get1'), '>=', 0.55, 'x');
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
    my ($l, $u) = @{$case->{runs}{shm}}{qw(latency upkeep)};
    my $text = verdict('p99.9 of get, 90:10, 2 processes',
        $l && $l->{p999} / 1e3, '<=', 20, 'us');
    $text .= verdict('worst of any operation while a sweep runs',
        $u && $u->{worst} / 1e3, '<=', 1000, 'us');
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

# ---- the section ------------------------------------------------------------

sub tables
{
    my ($opt) = @_;
    my %size = sizes($opt);
    my @cases = speed($opt, \%size);
    my $memory = memory($opt, \%size);
    my @storms = storms($opt, \%size);
    my %case = map { +"$_->{records}/$_->{bytes}" => $_ } @cases;
    my $base = $case{'100000/256'} // $cases[0];
    Bench::Plot::write_svg("$opt->{docs}/$PLOT", @cases)
        if $opt->{'write-docs'};
    return intro($opt, \%size) . speed_table(@cases)
        . "\n### Memory of a record\n\n" . memory_text($memory)
        . memory_table($memory,
            grep { $_->{records} == $memory->{records} } @cases)
        . "\n### What kill -9 leaves\n\n" . storm_text(\%size)
        . storm_table(@storms)
        . "\n### Latency of shm_store\n\n" . latency_text()
        . latency_table(@cases)
        . "\n### Beside the aims\n\n"
        . "At $base->{records} records of $base->{bytes} bytes unless a line"
        . " says otherwise; medians of rounds.\n\n"
        . aims_beside($base, @cases) . aims_fast($base) . aims_large(%case)
        . aims_rest($base, $memory, @storms);
}

sub intro
{
    my ($opt, $size) = @_;
    my $long = $opt->{long} ? '' : "\n10 M records were not run: that is"
        . " `BENCHFLAGS=--long`, 25 minutes and 12 GiB.\n";
    my $quick = $opt->{quick} ? "\n**`--quick`: shows that it works. Its"
        . " figures mean nothing.**\n" : '';
    return <<"END";
## The store beside its peers
$quick
![get, set and 90:10 by records, one line a store]($PLOT)

Millions of operations a second, and after the slash nanoseconds of CPU for one
(the server's too, where there is one). Random records, all of them stored
before; a set replaces, in shm_store by compare-and-put; 90:10 is nine gets to
one set; `2p` is two processes, in all. Which record comes next depends on the
value that was read, so no store has several gets under way at once. $opt->{rounds} rounds
of $size->{ms} ms in turns. "found" is the share of the records that is there
afterwards, byte for byte. The last two rows of a case are bounds, not stores.
$long
* **LMDB** lies on tmpfs with `MDB_NOSYNC`, `MDB_NOMETASYNC` and `MDB_WRITEMAP`,
  so that it writes to memory only; a set is a transaction, a get renews one.
* **APCu** runs in PHP's CLI, its memory shared by fork; what the loop around
  `apcu_fetch` and `apcu_store` takes is measured and taken off, by
  its CPU time.
* **shmcb** runs inside httpd as mod_ssl uses it, one global mutex around each
  call, with random binary keys, its best case, and room for a third more than
  is stored. Its segment ends at 4 GiB.
* **memcached** and **Redis** answer on a unix socket, one command at a time;
  nothing is written to disk.

END
}

sub memory_text
{
    my ($memory) = @_;
    return <<"END";
Bytes beyond key (32 bytes) and value that a record takes among $memory->{records}: what
the store has in use, divided by its records. shm_store: all of a segment that
the records just fill, its index and headers too, less its free pages; LMDB: the
pages of its tree; APCu and Redis: what they say is in use, less what was before;
memcached: slab pages and hash table; shmcb: its segment.

END
}

sub storm_text
{
    my ($size) = @_;
    return <<"END";
Two processes write and one reads 10 000 records of 256 bytes; $size->{kills} times one of
the writers is killed at some moment and replaced. A write is lost if it was
acknowledged and is not there; torn or mixed is a value that nobody wrote, or
another record's. "Longest wait" is for the next answer that the other writer
gets after a kill. A store is stuck if one of the processes gets no answer in
3 s. Writers of memcached and Redis are clients: the last column is what is
found after their server itself is killed and started again. Lookup and copy
without a lock is there to show that tearing is seen.

END
}

sub latency_text
{
    return <<'END';
Gets are sampled among 90:10 of two processes. During the sweep one process
makes records that end soon and sweeps them, and each operation of the other is
timed. Operations during which the scheduler took the CPU away are left out.

END
}

1;
