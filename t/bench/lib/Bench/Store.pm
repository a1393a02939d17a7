# SPDX-License-Identifier: Apache-2.0
# shm_store beside its peers and what bounds it: how fast, how much memory,
# what is found again, what kill -9 leaves.
package Bench::Store;
use strict;
use warnings;
use List::Util qw(max sum0);
use SxTest::Progress;
use lib __FILE__ =~ s|[^/]+/[^/]+\z||r;
use Bench::Aims;
use Bench::Engine;
use Bench::Plot;
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

# While it is swept, and a lock alone by turns with that: the worst of all.
sub latency
{
    my ($run, $size) = @_;
    $run->{latency} = $run->order("latency $size->{ms}");
    for (1 .. 5) {
        for my $what (qw(upkeep alone)) {
            my $got = $run->order("$what $size->{ms}") or next;
            my $worst = $run->{$what} // $got;
            $run->{$what} = $got->{worst} > $worst->{worst} ? $got : $worst;
        }
    }
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
        latency($run, $size) if $run->{ours};
        $run->end;
    }
    return;
}

# All engines at once, unless memory is too small for that: then each alone.
sub case_of
{
    my ($opt, $size, $case, $shmcb) = @_;
    my @names = map { $_->{name} } @all;
    my $together = 0.8 * Bench::Engine::available()
        > @names * Bench::Engine::need($case);
    my %runs;
    $case->{alone} = !$together;
    for my $name (@names) {
        progress("store: $case->{records} x $case->{bytes}: filling $name");
        my $run = $runs{$name} = $name eq 'shmcb' ? $shmcb
            : Bench::Engine->start($opt, $name, $case);
        $run->filled;
        race($size, $opt->{rounds}, $run) if !$together;
    }
    progress("store: $case->{records} x $case->{bytes}: taking turns");
    race($size, $opt->{rounds}, map { $runs{$_} } @names) if $together;
    $_->end for values %runs;
    return \%runs;
}

# It looks at every entry of a subcache: a million records of 1 KB take it two
# minutes to fill, ten million hours.
sub too_long
{
    my ($opt, $case) = @_;
    my $bytes = $case->{records} * $case->{bytes};
    return 'a fill takes hours' if $case->{records} > 1_000_000;
    return 'a fill takes minutes' if !$opt->{long} && $bytes > 512_000_000;
    return;
}

sub speed
{
    my ($opt, $size) = @_;
    my @cases;
    for my $records (@{$size->{records}}) {
        my @case = map { {records => $records, bytes => $_} }
            @{$size->{bytes}};
        # All sizes of it at once, and before anything is measured.
        my @shmcb = map {
            my $why = too_long($opt, $_);
            $why ? Bench::Engine->absent('shmcb', $_, $why)
                : Bench::Engine->start($opt, 'shmcb', $_)
        } @case;
        progress("store: filling shmcb with $records");
        $_->filled for @shmcb;
        for my $i (0 .. $#case) {
            $case[$i]{runs} = case_of($opt, $size, $case[$i], $shmcb[$i]);
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
            : '-'
    } @orders;
    $cells[0] = why_not($run) if defined why_not($run) && $cells[0] eq '-';
    my $found = !defined $run->{found} ? '-'
        : $run->{found} == 1 ? '100 %' : sprintf '%.1f %%', 100 * $run->{found};
    my $failed = !$run->{ops} ? '-' : !$run->{failed} ? '0'
        : sprintf '%.2g %%', 100 * $run->{failed} / $run->{ops};
    return [$about->{title}, $case->{records}, $case->{bytes}, @cells, $failed,
        $found];
}

sub speed_table
{
    my (@cases) = @_;
    return table(['store', 'records', 'bytes',
            map({ $word{$_->[0]} . ($_->[1] > 1 ? " $_->[1]p" : '') } @orders),
            'failed', 'found'],
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
        my ($l, $u, $alone) = @{$case->{runs}{shm}}{qw(latency upkeep alone)};
        next unless $l && $u && $alone;
        push @rows, [$case->{records}, $case->{bytes},
            map({ sprintf '%.2f', $l->{$_} / 1e3 } qw(p50 p99 p999)),
            sprintf('%.1f', $u->{p999} / 1e3),
            map { sprintf '%.1f', $_->{worst} / 1e3 } $u, $alone];
    }
    return table(['records', 'bytes', 'get p50, us', 'p99', 'p99.9',
        'sweep: any p99.9', 'worst', 'a lock alone: worst'], @rows);
}

# ---- the section ------------------------------------------------------------

sub tables
{
    my ($opt) = @_;
    my %size = sizes($opt);
    my @cases = speed($opt, \%size);
    my $memory = memory($opt, \%size);
    my @storms = storms($opt, \%size);
    Bench::Plot::write_svg("$opt->{docs}/$PLOT", @cases)
        if $opt->{'write-docs'};
    return intro($opt, \%size, @cases) . speed_table(@cases)
        . "\n### Memory of a record\n\n" . memory_text($memory)
        . memory_table($memory,
            grep { $_->{records} == $memory->{records} } @cases)
        . "\n### What kill -9 leaves\n\n" . storm_text(\%size)
        . storm_table(@storms)
        . "\n### Latency of shm_store\n\n" . latency_text()
        . latency_table(@cases)
        . "\n### Beside the aims\n\n" . aims($memory, \@storms, @cases);
}

sub intro
{
    my ($opt, $size, @cases) = @_;
    my $alone = join ', ', map { "$_->{records} x $_->{bytes}" }
        grep { $_->{alone} } @cases;
    $alone &&= "\nNot in turns, as memory held only one store at a time:"
        . " $alone.\n";
    my $long = $opt->{long} ? '' : "\n10 M records were not run: that is"
        . " `BENCHFLAGS=--long`, which takes far longer, where memory allows.\n";
    my $quick = $opt->{quick} ? "\n**`--quick`: shows that it works. Its"
        . " figures mean nothing.**\n" : '';
    return <<"END";
## The store beside its peers
$quick
![get, set and 90:10 by records, one line a store]($PLOT)

Millions of operations a second, and after the slash nanoseconds of CPU for one
(the server's too, where there is one). Random records, all of them stored
before; a set replaces, in shm_store by compare-and-put, its token at hand;
90:10 is nine gets to one set; `2p` is two processes, in all. Which record comes
next depends on the value that was read, so no store has several gets under way
at once. $opt->{rounds} rounds of $size->{ms} ms in turns. "failed" is the share of these operations
that failed, "found" that of the records that are there afterwards, byte for
byte. The last two rows of a case are bounds, not stores: lookup+copy waits for
memory twice, for the table and then for the record, as a get of shm_store does,
whose hash, lock and checksum come on top; its sets hardly wait, since
without a lock the next one begins meanwhile.
$long$alone
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
5 s. Writers of memcached and Redis are clients: the last column is what is
found after their server itself is killed and started again. Lookup and copy
without a lock is there to show that tearing is seen.

END
}

sub latency_text
{
    return <<'END';
Gets are sampled among 90:10 of two processes. During the sweep one process
makes records that end soon and sweeps them, and each operation of the other is
timed. Of one that took more than 100 us, what the scheduler let either of the
two wait for a CPU meanwhile is left out: the other may have had the lock. What a
host takes from its guest it does not see; so a lock of the C library with nothing
behind it is put to the same test, by turns with the store.

END
}

1;
