# SPDX-License-Identifier: Apache-2.0
# A browser that has several requests of one session under way: one jar for all
# of them, and what an answer sets, the next request sends.
package Bench::Compare::Client;
use strict;
use warnings;
use Time::HiRes qw(time);
use SxTest::Browser;

sub new
{
    my ($class, $port, $path) = @_;
    return bless {path => $path,
        browser => SxTest::Browser->new(port => $port)}, $class;
}

# Somebody who has the cookies of this moment.
sub clone
{
    my ($self) = @_;
    return bless {%$self, browser => $self->{browser}->clone}, ref $self;
}

sub start
{
    my ($self, $do, %opt) = @_;
    return $self->{browser}->start($self->{path}, do => $do, %opt);
}

sub ask
{
    my ($self, $do) = @_;
    return $self->start($do)->finish;
}

# What an answer says of the session that it saw: {user => ..., n => ...}.
sub seen
{
    my ($answer) = @_;
    my ($user, $n) = $answer->body =~ /^user=(\S*) n=(\S*)$/m;
    return {user => $user // '', n => $n // ''};
}

sub log_in
{
    my ($self) = @_;
    my $answer = $self->ask('login');
    die 'log-in answered ' . $answer->status . ': '
        . ($answer->error // substr($answer->body, 0, 200)) . "\n"
        if $answer->status != 200;
    die "nobody is logged in after the log-in\n" unless $self->logged_in;
    return;
}

sub logged_in
{
    my ($self) = @_;
    return seen($self->ask('read'))->{user} eq 'alice';
}

# Those of these pending requests that have an answer within so many seconds,
# finished, as [pending, answer]; removes them from the list.
sub ready
{
    my ($pending, $seconds) = @_;
    my $bits = '';
    vec($bits, fileno $_->{wire}{sock}, 1) = 1
        for grep { $_->{wire}{sock} } @$pending;
    select $bits, undef, undef, $seconds > 0 ? $seconds : 0
        if grep { $_->{wire}{sock} } @$pending;
    my @done = grep {
        my $sock = $_->{wire}{sock};
        !$sock || vec $bits, fileno $sock, 1
    } @$pending;
    my %done = map { $_ => 1 } @done;
    @$pending = grep { !$done{$_} } @$pending;
    return map { [$_, $_->finish] } @done;
}

# The same until all have theirs or the time is up.
sub collect
{
    my ($pending, $seconds) = @_;
    my ($end, @got) = (time + $seconds);
    while (@$pending && time < $end) {
        push @got, ready($pending, $end - time);
    }
    return @got;
}

1;
