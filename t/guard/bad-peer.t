#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# The peer that fails to order does what it says, in front of a real Redis: a
# failure test that trusts a broken one proves nothing.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../lib";
use IO::Select;
use IO::Socket::INET;
use Test::More;
use Time::HiRes qw(time);
use SxTest::BadPeer;
use SxTest::Daemon;

my $redis = SxTest::Daemon->start(name => 'redis',
    command => ['redis-server', '--port', 'PORT', '--bind', '127.0.0.1',
        '--save', '', '--appendonly', 'no']);
my $peer = SxTest::BadPeer->start(before => $redis->port);
my $SOON = 0.3;

sub client
{
    return IO::Socket::INET->new(PeerAddr => '127.0.0.1', Proto => 'tcp',
        PeerPort => $peer->port, Timeout => $SOON);
}

# What comes back within a while: bytes, '' for nothing, undef for an end.
sub reply
{
    my ($socket) = @_;
    return '' unless IO::Select->new($socket)->can_read($SOON);
    my $got = sysread $socket, my $bytes, 65536;
    return $got ? $bytes : undef;
}

sub ask
{
    my ($socket, $command) = @_;
    syswrite $socket, "$command\r\n";
    return reply($socket);
}

# As the server itself has it.
sub count
{
    my $direct = IO::Socket::INET->new(PeerAddr => '127.0.0.1',
        PeerPort => $redis->port, Proto => 'tcp');
    return ask($direct, 'GET n') =~ /^\$\d+\r\n(\d+)/ ? $1 : 0;
}

my $old = client();
is(ask($old, 'INCR n'), ":1\r\n", 'as it begins it hands on');
is($peer->seen, 1, 'and has seen one connection');

$peer->does('refuse');
is(ask($old, 'INCR n'), undef, 'refuse: what there was ends');
is(client(), undef, 'and nothing is accepted');
$peer->does('pass');
ok($old = client(), 'pass: then it is there again');
is(ask($old, 'INCR n'), ":2\r\n", 'and hands on');

$peer->does('silent');
is(ask($old, 'INCR n'), '', 'silent: a connection that there was is not answered');
is(ask(client(), 'INCR n'), '', 'nor is a new one');
is(count(), 2, 'and nothing was done');

$peer->does('hang');
is(ask($old, 'INCR n'), '', 'hang: nor there');
my $began = time;
is(client(), undef, 'and no connection is made');
cmp_ok(time - $began, '>=', $SOON, 'but not refused either');

$peer->does('drop');
is(ask(client(), 'INCR n'), undef, 'drop: the command is followed by an end');
is(count(), 2, 'and was not done');
$peer->does('cut');
is(ask(client(), 'INCR n'), undef, 'cut: it is, too');
is(count(), 3, 'and was done');
$peer->does('mute');
is(ask(client(), 'INCR n'), '', 'mute: it is followed by nothing');
is(count(), 4, 'and was done');

$peer->does('half');
is(ask(client(), 'GET n'), "\$1\r", 'half: half of a reply comes');
$peer->does('slow');
$old = client();
is(ask($old, 'GET n'), '$', 'slow: one byte of it comes');
is(reply($old), '1', 'and then another');
$peer->does('late', ms => 500);
$old = client();
is(ask($old, 'GET n'), '', 'late: not at once');
is(reply($old), "\$1\r\n4\r\n", 'but then');
$peer->does('bytes', bytes => "\$99999999999\r\n");
is(ask(client(), 'GET n'), "\$99999999999\r\n", 'bytes: what was ordered');

$peer->does('cut', on => 'INCR', times => 1);
$old = client();
is(ask($old, 'GET n'), "\$1\r\n4\r\n", 'on: other commands pass');
is(ask($old, 'INCR n'), undef, 'one that is meant does not');
is(ask(client(), 'INCR n'), ":6\r\n", 'times: but no more of them than that');
is($peer->met, 1, 'and it has counted them');

$peer->does('drop', on => 'INCR', skip => 2);
$old = client();
is(ask($old, 'INCR n') . ask($old, 'INCR n'), ":7\r\n:8\r\n",
    'skip: the first so many pass');
is(ask($old, 'INCR n'), undef, 'and those behind them do not');

done_testing();
