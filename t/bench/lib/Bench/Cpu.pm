# SPDX-License-Identifier: Apache-2.0
# CPU time that processes have used, every thread, in nanoseconds: schedstat is
# exact where utime is in ticks.  And which CPU they have it from.
package Bench::Cpu;
use strict;
use warnings;

sub children
{
    my ($pid) = @_;
    my @children;
    for my $file (glob "/proc/$pid/task/*/children") {
        open my $in, '<', $file or next;
        push @children, split ' ', readline($in) // '';
    }
    return @children;
}

sub of
{
    my (@pids) = @_;
    my $ns = 0;
    for my $file (map { glob "/proc/$_/task/*/schedstat" } @pids) {
        open my $in, '<', $file or next;
        my ($ran) = split ' ', readline($in) // '';
        $ns += $ran // 0;
    }
    return $ns;
}

# Of a process and all that it has started, and those.
sub of_tree
{
    my (@pids) = @_;
    my $ns = 0;
    while (defined(my $pid = shift @pids)) {
        $ns += of($pid);
        push @pids, children($pid);
    }
    return $ns;
}

# ---- a CPU for each ----------------------------------------------------------

# "0-2,5"
sub list
{
    my ($text) = @_;
    return map { /^(\d+)-(\d+)$/ ? $1 .. $2 : $_ } split /,/, $text;
}

my @cpus;    # that were ours at first

# From here on what we start shares the first of our CPUs, and has it to itself:
# clients are given the last one.  A server that is moved about, or takes turns
# with its client, takes half as much again, now and then.
sub begin_apart
{
    open my $in, '<', '/proc/self/status' or return;
    @cpus = map { /^Cpus_allowed_list:\s*(\S+)/ ? list($1) : () } <$in>;
    return if @cpus < 2;
    system("taskset -cp $cpus[0] $$ >/dev/null") == 0 or @cpus = ();
    return;
}

sub client { return @cpus < 2 ? @_ : ('taskset', '-c', $cpus[-1], @_) }

sub end_apart
{
    system('taskset -cp ' . join(',', @cpus) . " $$ >/dev/null") if @cpus > 1;
    @cpus = ();
    return;
}

1;
