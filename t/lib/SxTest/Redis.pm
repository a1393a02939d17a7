# SPDX-License-Identifier: Apache-2.0
# A redis-server for one test: on a socket in a directory of its own and on a free
# port, with everything on the disk before it is answered.
#
#   my $redis = SxTest::Redis->new(option => 'value', ...)->start
#   start stop kill pid socket port; cli(WORD...): what it says, as text
package SxTest::Redis;
use strict;
use warnings;
use File::Temp qw(tempdir);
use SxTest::Daemon;
use SxTest::Paths;

sub new
{
    my ($class, %options) = @_;
    # In memory, where a sync takes no time: what dies here is Redis, not the host.
    my $dir = tempdir('sxt-redis-XXXXXX', CLEANUP => 1,
        -w '/dev/shm' ? (DIR => '/dev/shm') : (TMPDIR => 1));
    chmod 0777, $dir;
    my $self = bless {dir => $dir, socket => "$dir/socket",
        port => SxTest::Paths::free_port()}, $class;
    $self->{options} = {
        port => $self->{port}, bind => '127.0.0.1', dir => $dir, save => '',
        unixsocket => $self->socket, unixsocketperm => '777',
        appendonly => 'yes', appendfsync => 'always', %options,
    };
    return $self;
}

sub socket { return $_[0]{socket} }
sub port   { return $_[0]{port} }
sub pid    { return $_[0]{daemon}{pid} }

sub start
{
    my ($self) = @_;
    unlink $self->socket;
    $self->{daemon} = SxTest::Daemon->start(name => 'redis', dir => $self->{dir},
        socket => $self->socket, log => "$self->{dir}/redis.log",
        command => ['redis-server', map { ("--$_", $self->{options}{$_}) }
            sort keys %{$self->{options}}]);
    my $end = time + 20;
    select undef, undef, undef, 0.02
        while $self->cli('PING') =~ /LOADING/ && time < $end;
    return $self;
}

# At once, as by kill -9: nothing is written any more.
sub kill
{
    my ($self) = @_;
    kill KILL => $self->{daemon}{pid};
    $self->stop;
    return;
}

sub stop { $_[0]{daemon}->stop; return }

# What it says of one command, by the tool that comes with it.
sub cli
{
    my ($self, @words) = @_;
    local $ENV{REDISCLI_AUTH} = $self->{options}{requirepass}
        if $self->{options}{requirepass};
    open my $in, '-|', 'redis-cli', '--no-auth-warning', '-s', $self->socket,
        @words or die "redis-cli: $!\n";
    local $/;
    my $said = <$in> // '';
    close $in;
    return $said =~ s/\s+\z//r;
}

1;
