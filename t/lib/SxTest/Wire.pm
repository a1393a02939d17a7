# SPDX-License-Identifier: Apache-2.0
# HTTP/1.1 by hand over one TCP connection. LWP would hide what the tests look
# at: raw heads, 1xx answers, trailers, order and number of header lines.
package SxTest::Wire;

use strict;
use warnings;

use IO::Socket::INET;
use Time::HiRes qw(time);
use SxTest::Response;

sub open
{
    my ($class, $port, $timeout) = @_;
    my $self = bless {
        buffer => '', eof => 0, began => time,
        deadline => time + ($timeout || 30),
    }, $class;
    $self->{sock} = IO::Socket::INET->new(
        PeerAddr => '127.0.0.1', PeerPort => $port, Proto => 'tcp',
        Timeout => 10);
    $self->{error} = "connect to port $port: $!" unless $self->{sock};
    return $self;
}

# Also when the server stops reading: an early answer may wait behind that.
sub send
{
    my ($self, $bytes) = @_;
    return 0 unless $self->{sock};
    local $SIG{PIPE} = 'IGNORE';
    my $done = 0;
    while ($done < length $bytes) {
        my $n = syswrite $self->{sock}, $bytes, length($bytes) - $done, $done;
        if (!defined $n) {
            $self->{error} = "send: $!";
            return 0;
        }
        $done += $n;
    }
    return 1;
}

sub half_close { return shutdown $_[0]{sock}, 1 }

# Reads once into the buffer; false at the end of the stream or of patience.
sub _fill
{
    my ($self) = @_;
    return 0 if $self->{eof} || !$self->{sock};
    my $left = $self->{deadline} - time;
    my $bits = '';
    vec($bits, fileno $self->{sock}, 1) = 1;
    if ($left <= 0 || !select $bits, undef, undef, $left) {
        $self->{error} = 'no more bytes in time';
        return 0;
    }
    my $n = sysread $self->{sock}, $self->{buffer}, 65536,
        length $self->{buffer};
    $self->{error} = "read: $!" unless defined $n;
    $self->{eof} = 1 unless $n;
    return $n ? 1 : 0;
}

sub rest
{
    my ($self) = @_;
    1 while $self->_fill;
    return $self->_take(length $self->{buffer});
}

sub _take
{
    my ($self, $n) = @_;
    return substr $self->{buffer}, 0, $n, '';
}

sub _bytes
{
    my ($self, $n) = @_;
    while (length $self->{buffer} < $n) {
        return $self->_short unless $self->_fill;
    }
    return $self->_take($n);
}

sub _short
{
    my ($self) = @_;
    $self->{error} ||= 'the connection ended inside the answer';
    return $self->_take(length $self->{buffer});
}

sub _line
{
    my ($self) = @_;
    until ($self->{buffer} =~ /\n/) {
        return $self->_short unless $self->_fill;
    }
    $self->{buffer} =~ s/^(.*?)\r?\n//s;
    return $1;
}

sub _head
{
    my ($self) = @_;
    until ($self->{buffer} =~ /\r?\n\r?\n/) {
        return undef unless $self->_fill;
    }
    $self->{buffer} =~ s/^(.*?\r?\n)\r?\n//s;
    return $1;
}

sub _chunked
{
    my ($self, $answer) = @_;
    while (!$self->{error}) {
        my ($size) = $self->_line =~ /^([0-9A-Fa-f]+)/ or last;
        last unless hex $size;
        $answer->{body} .= $self->_bytes(hex $size);
        $self->_line;
    }
    my $lines = '';
    while (!$self->{error}) {
        my $line = $self->_line;
        last if $line eq '';
        $lines .= "$line\n";
    }
    $answer->{trailers} = SxTest::Response::parse_lines($lines);
    return;
}

sub _body
{
    my ($self, $answer, $method) = @_;
    return if $method eq 'HEAD' || $answer->status =~ /^(?:204|304|101)$/;
    my $length = $answer->header('Content-Length');
    if (lc($answer->header('Transfer-Encoding') || '') =~ /\bchunked\b/) {
        $self->_chunked($answer);
    }
    else {
        $answer->{body} = defined $length ? $self->_bytes($length)
                                          : $self->rest;
    }
    return;
}

# The final answer to a request of this method; never dies, see Response.
sub answer
{
    my ($self, $method) = @_;
    my @interim;
    my $answer;
    while (1) {
        my $head = $self->_head;
        if (!defined $head) {
            $self->{error} ||= 'the connection ended without an answer';
            return SxTest::Response->failed($self->{error},
                interim => \@interim);
        }
        $answer = SxTest::Response->from_head($head);
        last if $answer->status !~ /^1/ || $answer->status == 101;
        push @interim, $head;
    }
    $answer->{interim} = \@interim;
    $self->_body($answer, $method);
    $answer->{error}   = $self->{error};
    $answer->{elapsed} = time - $self->{began};
    return $answer;
}

1;
