# SPDX-License-Identifier: Apache-2.0
# shm_store beside shmcb inside a real httpd and beside what bounds both.
# Each engine is a process (tree) that stays and obeys orders; see load.h.
package Bench::Store;
use strict;
use warnings;
use IPC::Open2;
use List::Util qw(min);
use House;
use SxTest::Paths;
use lib __FILE__ =~ s|[^/]+/[^/]+\z||r;
use Bench::Table;

my @orders = (['get', 1], ['put', 1], ['mix', 1],
              ['get', 2], ['put', 2], ['mix', 2]);
my @bytes = (256, 1024);
my %title = (
    shm => 'shm_store', shmcb => 'shmcb in httpd',
    table => 'lookup+copy, no lock', memcpy => 'bare memcpy',
);

sub command_of
{
    my ($opt, $engine, $records, $bytes) = @_;
    return (build() . '/t/bench/store', $engine, $records, $bytes, $opt->{dir})
        if $engine ne 'shmcb';
    # A port, which nobody asks, so that two may stand side by side.
    return ('env', "BENCH_RECORDS=$records", "BENCH_BYTES=$bytes",
        'BENCH_PORT=' . SxTest::Paths::free_port(),
        SxTest::Paths::httpd(), '-DFOREGROUND', '-f', "$opt->{dir}/shmcb.conf");
}

# The bench's own module for httpd, with the flags of the glue.
sub make_shmcb
{
    my ($opt) = @_;
    my $modules = SxTest::Paths::modules_dir();
    my $so = "$opt->{dir}/mod_bench_shmcb.so";
    my $top = top();
    $top =~ s/'/'\\''/g;
    my $make = join ' ', make_var('CC'), make_var('MOD_FLAGS'),
        make_var('WARN_CFLAGS'), '-O2 -g -fPIC -shared -pthread', '-o', $so,
        "'$top/t/bench/httpd/mod_bench_shmcb.c'";
    system('sh', '-c', 'cd "$1" && eval "$2"', 'sh', build(), $make) == 0
        or die "mod_bench_shmcb could not be made\n";
    open my $out, '>', "$opt->{dir}/shmcb.conf" or die "shmcb.conf: $!\n";
    print $out <<"END";
ServerRoot $opt->{dir}
ServerName localhost
DefaultRuntimeDir $opt->{dir}
PidFile $opt->{dir}/shmcb-\${BENCH_PORT}.pid
ErrorLog $opt->{dir}/shmcb.log
Listen 127.0.0.1:\${BENCH_PORT}
LoadModule mpm_prefork_module $modules/mod_mpm_prefork.so
LoadModule socache_shmcb_module $modules/mod_socache_shmcb.so
LoadModule bench_shmcb_module $so
END
    close $out or die "shmcb.conf: $!\n";
    return;
}

sub answer
{
    my ($run) = @_;
    my $line = readline $run->{out};
    die "$run->{engine} ended early\n" unless defined $line;
    chomp $line;
    return split ' ', $line;
}

# The engine fills itself; filled() waits for that.
sub start
{
    my ($opt, $engine, $records, $bytes) = @_;
    my $run = {engine => $engine};
    $run->{pid} = open2($run->{out}, $run->{in},
        command_of($opt, $engine, $records, $bytes));
    return $run;
}

sub filled
{
    my ($run) = @_;
    my (undef, undef, undef, $failed) = answer($run);
    die "$run->{engine} could not be filled\n" if $failed;
    answer($run);
    return $run;
}

sub stop
{
    my ($run) = @_;
    close $run->{in};
    close $run->{out};
    waitpid $run->{pid}, 0;
    return;
}

sub one
{
    my ($run, $what, $workers, $ms) = @_;
    print {$run->{in}} "$what $workers $ms\n";
    my (undef, undef, $ops, $wall, $cpu, $failed) = answer($run);
    my $cell = $run->{"$what$workers"} //= {};
    push @{$cell->{rate}}, $ops / $wall * 1e3;       # millions a second
    push @{$cell->{cpu}},  $cpu / $ops;              # ns of CPU each
    $cell->{ops} += $ops;
    $cell->{failed} += $failed;
    return;
}

sub measure
{
    my ($opt, $shmcb, $records, $bytes) = @_;
    my ($shm, @bounds) = map { filled(start($opt, $_, $records, $bytes)) }
        qw(shm table memcpy);
    my @engines = ($shm, $shmcb, @bounds);
    my $rounds = $records > 100_000 ? min(3, $opt->{rounds}) : $opt->{rounds};
    for (1 .. $rounds) {
        for my $order (@orders) {
            one($_, @$order, $opt->{quick} ? 100 : 250) for @engines;
        }
    }
    stop($_) for @engines;
    return {map { $_->{engine} => $_ } @engines};
}

# What two workers do beside one, in each round.
sub scaling
{
    my ($run, $what) = @_;
    my ($one, $two) = map { $run->{"$what$_"} } 1, 2;
    return map {
        my $i = $_;
        $two->{rate}[$i] / $one->{rate}[$i]
    } 0 .. $#{$one->{rate}};
}

sub row
{
    my ($run) = @_;
    my @cells = map {
        my $cell = $run->{"$_->[0]$_->[1]"};
        sprintf('%.2f / %.0f', median(@{$cell->{rate}}),
            median(@{$cell->{cpu}}))
    } @orders;
    my ($ops, $failed) = (0, 0);
    for my $cell (map { $run->{"$_->[0]$_->[1]"} } @orders) {
        $ops += $cell->{ops};
        $failed += $cell->{failed};
    }
    return [$title{$run->{engine}}, @cells,
        $failed ? sprintf('%.2g %%', 100 * $failed / $ops) : '0'];
}

sub aims
{
    my ($small, $large) = @_;
    my $shm = $small->{shm};
    my @get = @{$shm->{get1}{rate}};
    my @bound = @{$small->{table}{get1}{rate}};
    my $text = "Aims, by wall time. Beside each figure is what it is by CPU\n"
        . "time, which others on the machine disturb less.\n\n";
    for my $what ('get', 'put') {
        $text .= verdict("$what, 256 B, 100 k records, 1 process",
            median(@{$shm->{$what . 1}{rate}}), '>=', 3.0,
            sprintf 'M/s, by CPU %.2f', 1e3 / median(@{$shm->{$what . 1}{cpu}}));
    }
    $text .= verdict('get beside lookup+copy without lock',
        median(map { $get[$_] / $bound[$_] } 0 .. $#get), '>=', 0.55,
        sprintf 'x, by CPU %.2f', median(@{$small->{table}{get1}{cpu}})
            / median(@{$shm->{get1}{cpu}}));
    for my $aim (['get', 1.9], ['mix', 1.8], ['put', 1.4]) {
        my ($what, $least) = @$aim;
        my @times = scaling($shm, $what);
        my $title = $what eq 'mix' ? '90:10' : $what;
        $text .= verdict("2 processes beside 1, $title", median(@times), '>=',
            $least, sprintf 'x (%s), by CPU %.2f', spread('%.2f', @times),
            2 * median(@{$shm->{"${what}1"}{cpu}})
                / median(@{$shm->{"${what}2"}{cpu}}));
    }
    return $text unless $large;
    $text .= verdict('get at 1 M records, 256 B',
        1 / median(@{$large->[0]{shm}{get1}{rate}}), '<=', 0.65,
        sprintf 'us, by CPU %.2f', median(@{$large->[0]{shm}{get1}{cpu}}) / 1e3);
    $text .= verdict('get at 1 M records, 1 KB',
        1 / median(@{$large->[1]{shm}{get1}{rate}}), '<=', 0.8,
        sprintf 'us, by CPU %.2f', median(@{$large->[1]{shm}{get1}{cpu}}) / 1e3);
    return $text;
}

sub tables
{
    my ($opt) = @_;
    make_shmcb($opt);
    my $text = <<"END";
## The store

Cells: millions of operations a second, and after the slash nanoseconds of CPU
for one. Random records, all of them hits; put replaces, in shm_store by
compare-and-put; 90:10 is nine gets to one put. `2p`: two processes, in all.
shmcb runs inside httpd as mod_ssl uses it, one global mutex around each call,
with random binary keys, its best case; "not had" counts operations that failed,
which for shmcb are records that it pushed out though there was room. The last
two rows of a table are bounds, not stores. The next record depends on the value
that was read, so that no engine has several gets under way at once. 100 000 records have $opt->{rounds} rounds, a
million at most 3.

END
    my %got;
    for my $records (100_000, $opt->{quick} ? () : 1_000_000) {
        # shmcb takes a minute for a million records: both sizes at once.
        my @shmcb = map { start($opt, 'shmcb', $records, $_) } @bytes;
        filled($_) for @shmcb;
        for my $i (0 .. $#bytes) {
            print STDERR "store: $records x $bytes[$i]\n";
            my $runs = $got{"$records/$bytes[$i]"} =
                measure($opt, $shmcb[$i], $records, $bytes[$i]);
            $text .= sprintf "%d records of %d bytes:\n\n%s\n", $records,
                $bytes[$i], table(
                    ['', 'get', 'put', '90:10', 'get 2p', 'put 2p', '90:10 2p',
                     'not had'],
                    map { row($runs->{$_}) } qw(shm shmcb table memcpy));
        }
    }
    return $text . aims($got{'100000/256'}, $opt->{quick} ? undef
        : [@got{'1000000/256', '1000000/1024'}]);
}

1;
