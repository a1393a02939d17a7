# SPDX-License-Identifier: Apache-2.0
# CPU time that processes have used, every thread, in nanoseconds: schedstat is
# exact where utime is in ticks.
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

1;
