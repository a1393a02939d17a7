# SPDX-License-Identifier: Apache-2.0
# Who still accepts connections at a port of 127.0.0.1.
package SxTest::Listener;
use strict;
use warnings;
use Time::HiRes qw(sleep time);

# The names under which /proc/PID/fd shows the listening sockets of this port.
sub _sockets
{
    my ($port) = @_;
    my %socket;
    open my $in, '<', '/proc/net/tcp' or die "/proc/net/tcp: $!\n";
    while (my $line = <$in>) {
        my (undef, $local, undef, $state, @rest) = split ' ', $line;
        next unless $state eq '0A' && $local =~ /:([0-9A-F]{4})\z/;
        $socket{"socket:[$rest[5]]"} = 1 if hex $1 == $port;
    }
    return \%socket;
}

# Whether one of the processes may take the next connection.
sub any
{
    my ($port, @pids) = @_;
    my $sockets = _sockets($port);
    for my $pid (@pids) {
        return 1 if grep { $sockets->{ readlink($_) // '' } }
            glob "/proc/$pid/fd/*";
    }
    return 0;
}

# True as soon as it is so, false if that takes too long.
sub _wait
{
    my ($is_so) = @_;
    my $end = time + 20;
    while (!$is_so->()) {
        return 0 if time > $end;
        sleep 0.005;
    }
    return 1;
}

# Until none of these processes takes connections.
sub wait_until_closed
{
    my ($port, @pids) = @_;
    return _wait(sub { !any($port, @pids) });
}

# Until nobody does.
sub wait_until_free
{
    my ($port) = @_;
    return _wait(sub { !%{ _sockets($port) } });
}

1;
