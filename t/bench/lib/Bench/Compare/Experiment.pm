# SPDX-License-Identifier: Apache-2.0
# The three experiments, on any app that obeys login, read, add, late, logout.
package Bench::Compare::Experiment;
use strict;
use warnings;
use List::Util qw(min);
use Time::HiRes qw(time);
use SxTest::Barrier;
use lib __FILE__ =~ s|(?:[^/]+/){2}[^/]+\z||r;
use Bench::Compare::Client;

# Increments of one session by several requests at once.  A status in ${retry}
# means: nothing happened, ask again.
sub increments
{
    my ($port, $path, $size, $retry) = @_;
    my $client = Bench::Compare::Client->new($port, $path);
    $client->log_in;
    my ($asked, $answered, $failed, $again, @pending) = (0, 0, 0, 0);
    my $begin = time;
    while ($answered + $failed < $size->{adds}) {
        while (@pending < $size->{clients} && $asked < $size->{adds}) {
            push @pending, $client->start('add');
            $asked++;
        }
        my @got = Bench::Compare::Client::ready(\@pending, 30);
        die "no answer in 30 s\n" unless @got;
        die "asked to ask again without end\n" if $again > 99 * $size->{adds};
        for my $got (@got) {
            my $status = $got->[1]->status;
            if ($retry && $status == $retry) {
                $again++;
                push @pending, $client->start('add');
                next;
            }
            $status == 200 ? $answered++ : $failed++;
        }
    }
    my $seconds = time - $begin;
    my $n = Bench::Compare::Client::seen($client->ask('read'))->{n};
    return {kept => $n || 0, answered => $answered, failed => $failed,
        again => $again, seconds => $seconds};
}

# A slow request stands in the app; meanwhile its session is logged out.  Where
# the log-out has to wait for the slow one, it gets its turn after a while.
sub one_log_out
{
    my ($port, $path) = @_;
    my $client = Bench::Compare::Client->new($port, $path);
    $client->log_in;
    my $kept = $client->clone;
    my $slow = $client->start('late', wait => 'late');
    SxTest::Barrier::reached('late');
    my $out = $client->start('logout');
    my @pending = ($out);
    my @got = Bench::Compare::Client::collect(\@pending, 0.3);
    SxTest::Barrier::release('late');
    push @pending, $slow;
    push @got, Bench::Compare::Client::collect(\@pending, 30);
    my %status = map { $_->[0] => $_->[1]->status } @got;
    return {
        waited => scalar(@got && $got[0][0] != $out),
        out_failed => ($status{$out} // 0) != 200,
        slow_failed => ($status{$slow} // 0) != 200,
        cookie => $kept->logged_in, browser => $client->logged_in,
    };
}

sub log_outs
{
    my ($port, $path, $size) = @_;
    my %sum = map { $_ => 0 } qw(waited out_failed slow_failed cookie browser);
    for (1 .. $size->{log_outs}) {
        my $one = one_log_out($port, $path);
        $sum{$_} += $one->{$_} ? 1 : 0 for keys %sum;
    }
    return \%sum;
}

# While a slow request of the same session takes its time, three fast ones.
sub one_hold
{
    my ($client, $seconds) = @_;
    my $slow = $client->start('late', wait => 'hold');
    SxTest::Barrier::reached('hold');
    my $end = time + $seconds;
    my @pending = map { $client->start('read') } 1 .. 3;
    my @got = Bench::Compare::Client::collect(\@pending, $seconds);
    my $left = $end - time;
    select undef, undef, undef, $left if $left > 0;
    SxTest::Barrier::release('hold');
    push @got, Bench::Compare::Client::collect(\@pending, 30);
    my $status = $slow->finish->status;
    return map { {
        wait => $_->[1]->elapsed // $seconds, slow => $status,
        without => Bench::Compare::Client::seen($_->[1])->{user} ne 'alice',
    } } @got;
}

sub holds
{
    my ($port, $path, $size) = @_;
    my $client = Bench::Compare::Client->new($port, $path);
    $client->log_in;
    my @fast = map { one_hold($client, $size->{hold}) } 1 .. $size->{holds};
    return {waits => [map { $_->{wait} } @fast],
        without => scalar grep { $_->{without} } @fast};
}

sub all
{
    my ($port, $path, $size, $retry) = @_;
    return {
        add => increments($port, $path, $size, $retry),
        out => log_outs($port, $path, $size),
        hold => holds($port, $path, $size),
    };
}

1;
