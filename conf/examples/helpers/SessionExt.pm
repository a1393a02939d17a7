# SPDX-License-Identifier: Apache-2.0
package SessionExt;

# The session of mod_session_ext for Perl.
#
#   my $session = SessionExt->new;            # of %ENV, or of \%other
#   my $name = $session->get('name') // 'stranger';
#   $session->set(name => 'Ann')->incr('visits')->flash(info => 'Saved');
#   print $session->headers, "Content-Type: text/plain\r\n\r\n";
#
# What is asked for is seen by the next request. Keys and values are bytes:
# encode characters first. Works in CGI, and with the X-Session headers that
# HTTP backends and programs under suexec get. Under mod_perl:
# SessionExt->new({ %{ $r->subprocess_env } }), and $r->headers_out->add for
# each of $session->pairs.

use strict;
use warnings;

use Carp qw(croak);

my $LINE = 8000;    # bytes of a header line that every gateway takes

sub _decode { return map { tr/+/ /r =~ s/%([0-9a-f]{2})/chr hex $1/egir } @_ }

sub _encode
{
    my ($bytes) = @_;
    croak 'an undefined value' unless defined $bytes;
    croak 'a wide character; encode it first' if $bytes =~ /[^\x00-\xff]/;
    return $bytes =~ s/([^A-Za-z0-9_.-])/sprintf '%%%02X', ord $1/egr;
}

sub _key
{
    my ($key) = @_;
    my $text = _encode($key);
    croak 'a key of 1 to 128 bytes is accepted'
        if $key eq '' || length $key > 128;
    return $text;
}

sub _pairs_of
{
    my ($text) = @_;
    return map { my ($k, $v) = split /=/, $_, 2; [_decode($k, $v // '')] }
        split /&/, $text;
}

sub new
{
    my ($class, $env) = @_;
    $env ||= \%ENV;
    my $http = exists $env->{SESSION_STATUS} ? '' : 'HTTP_X_';
    my $told = sub { $env->{ $http . $_[0] } };
    my $text = $told->('SESSION_DATA') // '';
    for (my $n = 1; defined(my $part = $told->("SESSION_DATA_$n")); $n++) {
        $text .= $part;
    }
    my $flash = $told->($http ? 'SESSION_FLASH' : 'FLASH_DATA') // '';
    return bless {
        status => $told->('SESSION_STATUS') // 'none',
        handle => $told->('SESSION_HANDLE'), user => $told->('SESSION_USER'),
        version => $told->('SESSION_VERSION') // 0,
        data => { map { @$_ } _pairs_of($text) },
        flash => [_pairs_of($flash)],
        key => {}, order => [], once => {}, messages => [],
    }, $class;
}

# ---- reading -----------------------------------------------------------------

sub status   { return $_[0]{status} }
sub is_active { return $_[0]{status} eq 'active' }
sub handle   { return $_[0]{handle} }
sub user     { return $_[0]{user} }
sub version  { return $_[0]{version} }
sub get      { return $_[0]{data}{ $_[1] } }
sub keys     { return CORE::keys %{ $_[0]{data} } }
sub messages { return @{ $_[0]{flash} } }    # [level, text]...

# ---- asking for changes: each returns the session -----------------------------

# What is asked of a key, which stays where it was first asked.
sub _of
{
    my ($self, $key, %fresh) = @_;
    my $text = _key($key);
    push @{ $self->{order} }, $text unless $self->{key}{$text};
    $self->{key}{$text} = {%fresh} if %fresh;
    return $self->{key}{$text} ||= {};
}

sub set
{
    my ($self, %pairs) = @_;
    $self->_of($_, set => _encode($pairs{$_})) for sort(CORE::keys %pairs);
    return $self;
}

sub unset
{
    my ($self, @keys) = @_;
    $self->_of($_, unset => 1) for @keys;
    return $self;
}

sub append
{
    my ($self, $key, $part) = @_;
    my $text = _encode($part);
    $self->_of($key)->{append} .= $text;
    return $self;
}

sub incr
{
    my ($self, $key, $by) = @_;
    $by //= 1;
    croak 'a whole number is accepted' if $by !~ /^(?:0|-?[1-9]\d{0,17})\z/;
    $self->_of($key)->{incr} += $by;
    return $self;
}

sub clear
{
    my ($self) = @_;
    @{$self}{qw(key order)} = ({}, []);
    return $self->_once('Session-Clear', 'on');
}

sub flash
{
    my ($self, $level, $text) = @_;
    croak 'a level of 1 to 32 letters a-z is accepted'
        if $level !~ /^[a-z]{1,32}\z/;
    my $pair = "$level=" . _encode($text);
    croak 'a message is longer than a header line' if length $pair > $LINE - 20;
    push @{ $self->{messages} }, $pair;
    return $self;
}

sub _once
{
    my ($self, $name, $value) = @_;
    $self->{once}{$name} = $value;
    return $self;
}

# Data only if the session is at this version: that of now unless said.
sub if_version
{
    my ($self, $version) = @_;
    return $self->_once('Session-If-Version', $version // $self->{version});
}

sub destroy { return $_[0]->_once('Session-Destroy', 'on') }
sub logout  { return $_[0]->_once('Session-Logout', $_[1] // 'all') }
sub renew   { return $_[0]->_once('Session-Renew', $_[1] ? 'discard' : 'on') }
sub idle    { return $_[0]->_once('Session-Idle', $_[1] // 'default') }

# Unless told otherwise, on.
sub persist
{
    my ($self, $on) = @_;
    return $self->_once('Session-Persist', $on // 1 ? 'on' : 'off');
}

sub keep_flash { return $_[0]->_once('Session-Flash-Keep', 'on') }

# ---- the headers -------------------------------------------------------------

# Items joined by '&' into as many lines as it takes.
sub _lines
{
    my ($name, @items) = @_;
    my @lines;
    for my $item (@items) {
        my $room = $LINE - length("$name: ") - length $item;
        if (@lines && length $lines[-1] < $room) { $lines[-1] .= "&$item" }
        else                                     { push @lines, $item }
    }
    return map { ($name => $_) } @lines;
}

# A value in pieces that fit, no %XX divided.
sub _pieces
{
    my ($key, $text) = @_;
    my $room = $LINE - length("Session-Append: $key=");
    my @pieces = $text =~ /\G(.{1,$room}(?<!%)(?<!%.))/gs;
    return @pieces ? @pieces : ('');
}

# (name => value, ...)
sub pairs
{
    my ($self) = @_;
    my (@unset, @set, @append, @incr);
    for my $key (@{ $self->{order} }) {
        my $want = $self->{key}{$key};
        push @unset, $key if $want->{unset};
        if (defined $want->{set}) {
            my ($first, @more) = _pieces($key, $want->{set});
            push @set, "$key=$first";
            push @append, map { "$key=$_" } @more;
        }
        push @append, map { "$key=$_" } _pieces($key, $want->{append})
            if defined $want->{append};
        push @incr, "$key=$want->{incr}" if defined $want->{incr};
    }
    my $once = $self->{once};
    return ((map { ($_ => $once->{$_}) } sort(CORE::keys %$once)),
        _lines('Session-Unset', @unset), _lines('Session-Set', @set),
        _lines('Session-Append', @append), _lines('Session-Incr', @incr),
        _lines('Session-Flash', @{ $self->{messages} }));
}

# The same as text, for CGI.
sub headers
{
    my ($self) = @_;
    my @pairs = $self->pairs;
    my $text = '';
    while (my ($name, $value) = splice @pairs, 0, 2) {
        $text .= "$name: $value\r\n";
    }
    return $text;
}

1;
