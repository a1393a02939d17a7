# SPDX-License-Identifier: Apache-2.0
# A server of the benchmark as our child, in a process group of its own: httpd
# ends by a signal to all of its group.  Stopped by pid however the run ends.
package Bench::Child;
use strict;
use warnings;
use POSIX qw(WNOHANG _exit);
use Time::HiRes qw(sleep);

my $OWNER = $$;
my @live;

# All that it says is in the file ${output}.
sub begin
{
    my ($self, $output, @command) = @_;
    defined($self->{pid} = fork) or die "fork: $!\n";
    if (!$self->{pid}) {
        setpgrp 0, 0;
        open STDOUT, '>', $output or _exit(127);
        open STDERR, '>&', \*STDOUT or _exit(127);
        exec {$command[0]} @command or _exit(127);
    }
    push @live, $self;
    return;
}

sub stop
{
    my ($self) = @_;
    my $pid = delete $self->{pid} or return;
    # More than once: httpd -X that is about to accept() forgets the first.
    for (1 .. 100) {
        kill 'TERM', $pid;
        for (1 .. 10) {
            return if waitpid($pid, WNOHANG) == $pid;
            sleep 0.02;
        }
    }
    kill 'KILL', $pid;
    waitpid $pid, 0;
    return;
}

END {
    my $status = $?;
    if ($$ == $OWNER) {
        $_->stop for @live;
    }
    $? = $status;
}

1;
