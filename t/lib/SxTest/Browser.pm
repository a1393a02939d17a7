# SPDX-License-Identifier: Apache-2.0
# A client with its own cookie jar. One connection a request.
package SxTest::Browser;

use strict;
use warnings;

use SxTest::Barrier;
use SxTest::Jar;
use SxTest::Wire;

# What is not an app instruction among the options of a request.
my %OWN = map { $_ => 1 } qw(header content host method port timeout);

sub new
{
    my ($class, %opt) = @_;
    return bless {
        port => $opt{port}, host => $opt{host} || 'localhost',
        jar => SxTest::Jar->new,
    }, $class;
}

sub clone
{
    my ($self) = @_;
    return bless { %$self, jar => $self->{jar}->clone }, ref $self;
}

sub forget  { return $_[0]{jar}->forget }
sub refused { return $_[0]{jar}->refused }

sub cookie
{
    my ($self, $name) = @_;
    my $found = $self->{jar}->find($self->{host}, $name);
    return $found ? $found->{value} : undef;
}

# Attributes as they were set, names in lower case: {secure => 1, path => '/'}.
sub cookie_attr
{
    my ($self, $name) = @_;
    my $found = $self->{jar}->find($self->{host}, $name);
    return $found ? $found->{attr} : undef;
}

sub set_cookie
{
    my ($self, $name, $value, %opt) = @_;
    return $self->{jar}->set($self->{host}, $name, $value, $opt{path});
}

sub escape
{
    my ($text) = @_;
    utf8::encode($text) if utf8::is_utf8($text);
    $text =~ s/([^A-Za-z0-9_.~-])/sprintf '%%%02X', ord $1/ge;
    return $text;
}

# App instructions, in the order of their names; a list repeats its name.
sub _form
{
    my ($opt) = @_;
    my @pairs;
    for my $name (sort grep { !$OWN{$_} } keys %$opt) {
        my $said = $opt->{$name};
        my @values = ref $said ? @$said : ($said);
        @values = map { SxTest::Barrier::file_name($_) } @values
            if $name eq 'wait';
        push @pairs, map { escape($name) . '=' . escape($_) } @values;
    }
    return join '&', @pairs;
}

# Header lines; undef takes a default away, a list repeats the name.
sub _header_lines
{
    my ($header) = @_;
    my $text = '';
    for my $name (sort keys %$header) {
        my $said = $header->{$name};
        next unless defined $said;
        $text .= "$name: $_\r\n" for ref $said ? @$said : ($said);
    }
    return $text;
}

sub _given
{
    my ($header, $name) = @_;
    return scalar grep { lc $_ eq lc $name } keys %$header;
}

# A name in the caller's spelling replaces ours in any case.
sub _with_defaults
{
    my ($header, %default) = @_;
    my %all = %{ $header || {} };
    for my $name (keys %default) {
        $all{$name} = $default{$name} unless _given(\%all, $name);
    }
    return \%all;
}

# To a POST without content the instructions go in the body: there they may be
# longer than a request line.
sub _place_form
{
    my ($method, $path, $opt) = @_;
    my $form = _form($opt);
    return ($path, $opt->{content}, undef) if $form eq '';
    return ($path, $form, 'application/x-www-form-urlencoded')
        if $method eq 'POST' && !defined $opt->{content};
    return ($path . ($path =~ /\?/ ? '&' : '?') . $form, $opt->{content},
        undef);
}

sub _bytes
{
    my ($self, $method, $path, $opt) = @_;
    my ($target, $content, $type) = _place_form($method, $path, $opt);
    my $host = $opt->{host} || $self->{host};
    my $port = $opt->{port} || $self->{port};
    my $header = _with_defaults(
        $opt->{header},
        Host       => "$host:$port",
        Connection => 'close',
        Accept     => '*/*',
        Cookie     => $self->{jar}->header($host, $path),
        'Content-Type'   => $type,
        'Content-Length' => defined $content ? length $content : undef);
    return "$method $target HTTP/1.1\r\n" . _header_lines($header) . "\r\n"
        . (defined $content ? $content : '');
}

# Sends and does not wait; finish() of what this returns gives the answer.
sub start
{
    my ($self, $path, %opt) = @_;
    my $method = $opt{method} || 'GET';
    $path =~ s{^https?://[^/]*}{}i;
    my $wire = SxTest::Wire->open($opt{port} || $self->{port}, $opt{timeout});
    $wire->send($self->_bytes($method, $path, \%opt));
    return bless {
        browser => $self, wire => $wire, method => $method, path => $path,
        host => $opt{host} || $self->{host},
    }, 'SxTest::Browser::Pending';
}

sub request
{
    my ($self, $method, $path, %opt) = @_;
    return $self->start($path, %opt, method => $method)->finish;
}

sub get  { my $self = shift; return $self->request(GET  => @_) }
sub head { my $self = shift; return $self->request(HEAD => @_) }
sub post { my $self = shift; return $self->request(POST => @_) }

package SxTest::Browser::Pending;

sub finish
{
    my ($self) = @_;
    my $answer = $self->{wire}->answer($self->{method});
    for my $line ($answer->headers('Set-Cookie')) {
        $self->{browser}{jar}->take($line, $self->{host}, $self->{path});
    }
    $self->leave;
    return $answer;
}

# Goes away without the answer.
sub leave { return !$_[0]{wire}{sock} || close $_[0]{wire}{sock} }

1;
