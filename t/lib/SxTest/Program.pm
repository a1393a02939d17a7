# SPDX-License-Identifier: Apache-2.0
# A backend that is a program of its own: started on a free port, in a process
# group of its own, and stopped by its pid, however the test ends.
package SxTest::Program;

use strict;
use warnings;

use IO::Socket::INET;
use POSIX qw(WNOHANG _exit);
use Time::HiRes qw(sleep time);
use SxTest::Paths;

my $OWNER = $$;
my @RUNNING;

# command  with PORT for the port (one word or part of it)
# log      where its output goes        port     if it was chosen before
# says     what is in its output when it is ready, for one that does not stand
#          a connection without a request
sub start
{
    my ($class, %opt) = @_;
    my $self = bless {%opt}, $class;
    my $port = $self->{port} ||= SxTest::Paths::free_port();
    my @command = map { s/PORT/$port/gr } @{ $opt{command} };
    defined(my $pid = fork) or die "fork: $!\n";
    _exec($self, @command) unless $pid;
    $self->{pid} = $pid;
    push @RUNNING, $self;
    $self->_wait_until_up;
    return $self;
}

sub _exec
{
    my ($self, @command) = @_;
    setpgrp 0, 0;
    open STDIN,  '<',  '/dev/null';
    open STDOUT, '>>', $self->{log} || '/dev/null';
    open STDERR, '>&', \*STDOUT;
    # Some look around where they are, which others may not.
    chdir '/';
    @ENV{qw(PWD PYTHONDONTWRITEBYTECODE)} = ('/', 1);
    exec { $command[0] } @command or _exit(127);
}

sub port { return $_[0]{port} }

sub _said
{
    my ($self) = @_;
    open my $in, '<', $self->{log} || '/dev/null' or return '';
    local $/;
    return scalar(<$in>) // '';
}

sub _is_up
{
    my ($self) = @_;
    return $self->_said =~ $self->{says} if $self->{says};
    return !!IO::Socket::INET->new(PeerAddr => '127.0.0.1',
        PeerPort => $self->{port}, Proto => 'tcp', Timeout => 2);
}

sub _wait_until_up
{
    my ($self) = @_;
    my $end = time + 30;
    while (time < $end) {
        return if $self->_is_up;
        last if waitpid($self->{pid}, WNOHANG) == $self->{pid};
        sleep 0.02;
    }
    $self->stop;
    die "@{ $self->{command} } did not start:\n" . $self->_said;
}

sub stop
{
    my ($self) = @_;
    my $pid = delete $self->{pid} or return;
    kill TERM => -$pid;
    my $end = time + 5;
    my $gone;
    sleep 0.01 until ($gone = waitpid($pid, WNOHANG)) || time > $end;
    kill KILL => -$pid;
    waitpid $pid, 0 unless $gone;
    return;
}

END {
    local $?;
    if ($$ == $OWNER) { $_->stop for @RUNNING }
}

1;
