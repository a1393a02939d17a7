# SPDX-License-Identifier: Apache-2.0
# One HTTP answer as it came off the wire, and what an app of t/apps said
# in it. Status 0 means that none came; error() then says why.
package SxTest::Response;

use strict;
use warnings;

sub new
{
    my ($class, %self) = @_;
    return bless {
        status => 0, reason => '', raw_head => '', headers => [],
        body => '', trailers => [], interim => [], error => undef, %self,
    }, $class;
}

sub failed
{
    my ($class, $why, %more) = @_;
    return $class->new(error => $why, %more);
}

sub parse_lines
{
    my ($text) = @_;
    my @list;
    for my $line (split /\r?\n/, $text) {
        push @list, [$1, $2] if $line =~ /^([^:]+):[ \t]*(.*?)[ \t]*$/s;
    }
    return \@list;
}

sub from_head
{
    my ($class, $head) = @_;
    my ($first, $rest) = split /\r?\n/, $head, 2;
    my ($status, $reason) = $first =~ m{^HTTP/\S+ (\d{3}) ?(.*)}
        or return $class->failed("not a status line: $first");
    return $class->new(
        status => $status, reason => $reason, raw_head => $head,
        headers => parse_lines(defined $rest ? $rest : ''));
}

sub status   { return $_[0]{status} }
sub reason   { return $_[0]{reason} }
sub body     { return $_[0]{body} }
sub raw_head { return $_[0]{raw_head} }
sub error    { return $_[0]{error} }
sub elapsed  { return $_[0]{elapsed} }
sub location { return $_[0]->header('Location') }

# Heads of the 1xx answers that came before, as text.
sub interim { return @{ $_[0]{interim} } }

sub _all
{
    my ($list, $name) = @_;
    return map { $_->[1] } grep { lc $_->[0] eq lc $name } @$list;
}

sub headers { return _all($_[0]{headers}, $_[1]) }

sub header
{
    my ($self, $name) = @_;
    my @found = $self->headers($name);
    return @found ? join(', ', @found) : undef;
}

sub header_names { return map { $_->[0] } @{ $_[0]{headers} } }

sub trailer
{
    my ($self, $name) = @_;
    my @found = _all($self->{trailers}, $name);
    return @found ? join(', ', @found) : undef;
}

sub _read_app
{
    my ($self) = @_;
    my %env;
    my ($lines, $text) = split /^BODY=/m, $self->{body}, 2;
    for my $line (split /\r?\n/, defined $lines ? $lines : '') {
        my ($name, $value) = $line =~ /^([A-Za-z_]\w*)=(.*)$/ or next;
        $value =~ s/%([0-9A-Fa-f]{2})/chr hex $1/ge;
        $env{$name} = $value;
    }
    $self->{app} = { env => \%env, text => $text };
    return $self->{app};
}

sub _app { return $_[0]{app} || $_[0]->_read_app }

sub envs { return $_[0]->_app->{env} }
sub env  { return $_[0]->_app->{env}{ $_[1] } }

# What the app was told to say by body => …; undef if no app spoke.
sub text { return $_[0]->_app->{text} }

1;
