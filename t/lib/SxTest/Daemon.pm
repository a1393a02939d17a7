# SPDX-License-Identifier: Apache-2.0
# A server that is no httpd, as our child in a process group of its own: up when
# its port or socket answers, stopped by pid however the run ends.  It runs as the
# user of the tests, whoever we are.
#
#   name     of it, for messages and the log         command  and its arguments
#   dir      where it runs (/) and, if said, where its log lies, NAME.log
#   log      where that is instead; with neither nothing is kept
#   port     of 127.0.0.1; a free one if nothing is said, nor
#   socket   a path; PORT in the command stands for the port
#   says     what is in its log when it is ready, for one that does not stand a
#            connection without a request
#   env      more variables
package SxTest::Daemon;
use strict;
use warnings;
use IO::Socket::INET;
use IO::Socket::UNIX;
use POSIX qw(WNOHANG _exit);
use Time::HiRes qw(sleep time);
use SxTest::Log;
use SxTest::Paths;

my $OWNER = $$;
my @live;

# Once and for all: root does not run servers of others.
sub drop_root
{
    return if $>;
    my $who = SxTest::Paths::test_user();
    $) = "$who->{gid} $who->{gid}";
    POSIX::setgid($who->{gid});
    POSIX::setuid($who->{uid});
    return;
}

sub child
{
    my ($self) = @_;
    setpgrp 0, 0;
    open STDIN, '<', '/dev/null' or _exit(127);
    open STDOUT, '>>', $self->{log} or _exit(127);
    open STDERR, '>&', \*STDOUT or _exit(127);
    chdir $self->{dir} or _exit(127);
    drop_root();
    %ENV = (%ENV, HOME => $self->{dir}, PWD => $self->{dir},
        PYTHONDONTWRITEBYTECODE => 1, %{$self->{env} // {}});
    exec {$self->{command}[0]} @{$self->{command}} or _exit(127);
}

sub made
{
    my ($class, %self) = @_;
    $self{log} //= $self{dir} ? "$self{dir}/$self{name}.log" : '/dev/null';
    $self{dir} //= '/';
    return bless \%self, $class;
}

# A command that ends, as the same user.
sub run
{
    my ($class, %self) = @_;
    my $self = $class->made(%self);
    defined(my $pid = fork) or die "fork: $!\n";
    $self->child unless $pid;
    waitpid $pid, 0;
    die "$self->{name} failed: " . $self->last_words . "\n" if $?;
    return;
}

sub start
{
    my ($class, %self) = @_;
    my $self = $class->made(%self);
    $self->{port} //= SxTest::Paths::free_port() unless $self->{socket};
    $self->{command} = [map { s/PORT/$self->{port}/gr } @{$self->{command}}]
        if $self->{port};
    defined($self->{pid} = fork) or die "fork: $!\n";
    $self->child unless $self->{pid};
    push @live, $self;
    my $end = time + 30;
    while (time < $end) {
        return $self if $self->answers;
        last if waitpid($self->{pid}, WNOHANG) == $self->{pid};
        sleep 0.02;
    }
    $self->stop;
    die "$self->{name} did not come up: " . $self->last_words . "\n";
}

sub port { return $_[0]{port} }

sub answers
{
    my ($self) = @_;
    return SxTest::Log::since($self->{log}, 0) =~ $self->{says}
        if $self->{says};
    return !!IO::Socket::UNIX->new(Peer => $self->{socket})
        if $self->{socket};
    return !!IO::Socket::INET->new(PeerAddr => '127.0.0.1',
        PeerPort => $self->{port}, Proto => 'tcp', Timeout => 2);
}

# The last line that it left in its log.
sub last_words
{
    my ($self) = @_;
    open my $in, '<', $self->{log} or return 'it said nothing';
    my @lines = grep { /\S/ } <$in>;
    return @lines ? $lines[-1] =~ s/\s+$//r : 'it said nothing';
}

sub stop
{
    my ($self) = @_;
    my $pid = delete $self->{pid} or return;
    kill TERM => $pid;
    my $end = time + 5;
    while (waitpid($pid, WNOHANG) == 0) {
        last if time > $end;
        sleep 0.02;
    }
    # Also what it has left behind.
    kill KILL => -$pid;
    waitpid $pid, 0;
    return;
}

sub stop_all
{
    $_->stop for splice @live;
    return;
}

END {
    my $status = $?;
    stop_all() if $$ == $OWNER;
    $? = $status;
}

1;
