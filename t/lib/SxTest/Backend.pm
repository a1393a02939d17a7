# SPDX-License-Identifier: Apache-2.0
# A backend of a few lines for what no real server would say: raw bytes for each
# request that the proxy brings. One process a connection, one request each.
package SxTest::Backend;

use strict;
use warnings;

use IO::Socket::INET;
use POSIX ();

my @RUNNING;

# The head of a request, with the blank line behind it; '' at the end.
sub read_head
{
    my ($client) = @_;
    my $head = '';
    while (defined(my $line = readline $client)) {
        $head .= $line;
        last if $line =~ /^\r?\n$/;
    }
    return $head;
}

sub _serve
{
    my ($listener, $answer) = @_;
    local @SIG{qw(CHLD INT TERM)} = qw(IGNORE DEFAULT DEFAULT);
    while (my $client = $listener->accept) {
        if (fork) {
            close $client;
            next;
        }
        my $head = read_head($client);
        $answer->($client, $head) if $head =~ /\n/;
        shutdown $client, 1;
        POSIX::_exit(0);
    }
    # Neither END nor Test::More's end of test may run here.
    POSIX::_exit(0);
}

# Its URL. $answer->($client, $head) prints the response; stopped at the end.
sub start
{
    my ($answer) = @_;
    my $listener =
        IO::Socket::INET->new(LocalAddr => '127.0.0.1', Listen => 16)
        or die "no backend: $!\n";
    defined(my $pid = fork) or die "fork: $!\n";
    _serve($listener, $answer) if !$pid;
    push @RUNNING, $pid;
    return 'http://127.0.0.1:' . $listener->sockport;
}

sub stop
{
    kill TERM => splice @RUNNING if @RUNNING;
    return;
}

END { stop() }

1;
