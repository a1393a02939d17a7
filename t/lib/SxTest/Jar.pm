# SPDX-License-Identifier: Apache-2.0
# A cookie jar that does what RFC 6265bis says a browser does, so that a cookie
# a browser would refuse does not pass here. One difference: loopback counts as
# secure (browsers do the same), so Secure cookies are kept and recorded.
package SxTest::Jar;

use strict;
use warnings;

use Time::Local qw(timegm);

sub new { return bless { cookies => [], refused => [], serial => 0 }, $_[0] }

sub clone
{
    my ($self) = @_;
    return bless {
        %$self,
        cookies => [map { +{%$_} } @{ $self->{cookies} }],
        refused => [@{ $self->{refused} }],
    }, ref $self;
}

sub forget
{
    my ($self) = @_;
    $self->{cookies} = [];
    return;
}

sub refused { return @{ $_[0]{refused} } }

sub _trim
{
    my ($text) = @_;
    $text =~ s/^[ \t]+|[ \t]+$//g;
    return $text;
}

sub _parse
{
    my ($line) = @_;
    my ($pair, @parts) = split /;/, $line;
    return undef unless defined $pair && $pair =~ /=/;
    my ($name, $value) = map { _trim($_) } split /=/, $pair, 2;
    my %attr;
    for my $part (@parts) {
        my ($key, $said) = split /=/, $part, 2;
        next unless defined $key;
        $attr{ lc _trim($key) } = defined $said ? _trim($said) : 1;
    }
    return { name => $name, value => $value, attr => \%attr };
}

my %MONTH = do {
    my $i = 0;
    map { $_ => $i++ } qw(jan feb mar apr may jun jul aug sep oct nov dec);
};

sub _date
{
    my ($text) = @_;
    my ($d, $m, $y, $h, $min, $s) =
        $text =~ /(\d{1,2})[ -]([a-z]{3})[ -](\d{4}) (\d\d):(\d\d):(\d\d)/i
        or return undef;
    return undef unless exists $MONTH{ lc $m };
    return timegm($s, $min, $h, $d, $MONTH{ lc $m }, $y);
}

# When the cookie ends; undef for one of the browser session.
sub _ends
{
    my ($attr) = @_;
    my $age = $attr->{'max-age'};
    if (defined $age && $age =~ /^-?\d+$/) {
        return $age > 0 ? time + $age : 0;
    }
    return defined $attr->{expires} ? _date($attr->{expires}) : undef;
}

sub _default_path
{
    my ($path) = @_;
    $path =~ s/\?.*//s;
    $path =~ s{/[^/]*$}{};
    return $path eq '' ? '/' : $path;
}

sub _why_refused
{
    my ($c, $host) = @_;
    my $attr = $c->{attr};
    my $bare = lc($attr->{domain} || '') =~ s/^\.//r;
    return 'empty name' if $c->{name} eq '';
    return 'over 4096 bytes'
        if length($c->{name}) + length($c->{value}) > 4096;
    return 'foreign Domain'
        if $bare ne '' && $host ne $bare && $host !~ /\.\Q$bare\E$/;
    return '__Secure- without Secure'
        if $c->{name} =~ /^__Secure-/i && !$attr->{secure};
    return '__Host- needs Secure, Path=/ and no Domain'
        if $c->{name} =~ /^__Host-/i
        && (!$attr->{secure} || ($attr->{path} || '') ne '/' || $bare ne '');
    return 'SameSite=None without Secure'
        if lc($attr->{samesite} || '') eq 'none' && !$attr->{secure};
    return 'Partitioned without Secure'
        if $attr->{partitioned} && !$attr->{secure};
    return undef;
}

# Takes one Set-Cookie line of an answer to a request for $path on $host.
sub take
{
    my ($self, $line, $host, $path) = @_;
    my $c = _parse($line);
    my $why = $c ? _why_refused($c, $host) : 'no name=value';
    if ($why) {
        push @{ $self->{refused} }, { line => $line, why => $why };
        return 0;
    }
    my $attr = $c->{attr};
    $c->{host_only} = ($attr->{domain} || '') eq '';
    $c->{domain} = $c->{host_only} ? $host : lc $attr->{domain} =~ s/^\.//r;
    $c->{path} = ($attr->{path} || '') =~ m{^/} ? $attr->{path}
                                                : _default_path($path);
    $c->{ends} = _ends($attr);
    $self->_put($c);
    return 1;
}

sub _same
{
    my ($one, $two) = @_;
    return !grep { $one->{$_} ne $two->{$_} } qw(name domain path);
}

sub _put
{
    my ($self, $c) = @_;
    my ($old) = grep { _same($_, $c) } @{ $self->{cookies} };
    $c->{serial} = $old ? $old->{serial} : ++$self->{serial};
    $self->{cookies} = [grep { !_same($_, $c) } @{ $self->{cookies} }];
    push @{ $self->{cookies} }, $c
        unless defined $c->{ends} && $c->{ends} <= time;
    return;
}

sub set
{
    my ($self, $host, $name, $value, $path) = @_;
    return $self->_put({
        name => $name, value => $value, domain => $host, host_only => 1,
        path => defined $path ? $path : '/', attr => {}, ends => undef,
    });
}

sub _fits
{
    my ($c, $host, $path) = @_;
    return 0 if defined $c->{ends} && $c->{ends} <= time;
    return 0 unless $c->{domain} eq $host
        || (!$c->{host_only} && $host =~ /\.\Q$c->{domain}\E$/);
    return 1 if $c->{path} eq $path;
    return 0 unless index($path, $c->{path}) == 0;
    return $c->{path} =~ m{/$} || substr($path, length $c->{path}, 1) eq '/';
}

sub _fitting
{
    my ($self, $host, $path) = @_;
    $path =~ s/\?.*//s;
    return sort {
        length $b->{path} <=> length $a->{path} || $a->{serial} <=> $b->{serial}
    } grep { _fits($_, $host, $path) } @{ $self->{cookies} };
}

# The Cookie header for a request, or undef.
sub header
{
    my ($self, $host, $path) = @_;
    my @pairs = map { "$_->{name}=$_->{value}" } $self->_fitting($host, $path);
    return @pairs ? join('; ', @pairs) : undef;
}

# The newest cookie of this exact name, wherever its path points.
sub find
{
    my ($self, $host, $name) = @_;
    my ($found) = sort { $b->{serial} <=> $a->{serial} }
        grep { $_->{name} eq $name && _fits($_, $host, $_->{path}) }
        @{ $self->{cookies} };
    return $found;
}

1;
