# SPDX-License-Identifier: Apache-2.0
# Checks #include lines against the table in t/lint/arrows.
package Arrows;
use strict;
use warnings;
use House;

my @ours    = qw(shm_store mod_session_ext mod_session_ext/php t/unit t/unit/sst t/unit/sx
    t/fuzz t/fuzz/sst t/fuzz/sx);
my @by_name = qw(sodium.h xxhash.h lmdb.h hiredis/hiredis.h
    openssl/err.h openssl/ssl.h openssl/x509v3.h libmemcached/memcached.h);

sub new
{
    my ($class, %self) = @_;
    my $self = bless {%self, rows => [], direct => {}}, $class;
    $self->{dirs} = {
        apr   => [include_dirs('SX_FLAGS', qr/apr/)],
        httpd => [include_dirs('MOD_FLAGS', qr/./)],
        php   => [include_dirs('PHP_FLAGS', qr/php/)],
    };
    $self->read_table($_) for lines('t/lint/arrows');
    return $self;
}

# The directories of others' headers in a layer's flags.
sub include_dirs
{
    my ($variable, $which) = @_;
    return grep { $_ =~ $which } make_var($variable) =~ /-isystem +(\S+)/g;
}

sub read_table
{
    my ($self, $line) = @_;
    return if $line =~ /^\s*(?:#|$)/;
    my ($who, $verb, @to) = split ' ', $line;
    die "arrows: '$line'\n" unless @to && $verb =~ /^(?:may|never)$/;
    push @{$self->{rows}},
        {who => glob_re($who), verb => $verb, to => [map { glob_re($_) } @to]};
    return;
}

# What the table calls the header ${name} when ${file} includes it.
sub target
{
    my ($self, $file, $name, $quoted) = @_;
    my ($dir) = $file =~ m{^(.*)/};
    for my $d ($dir, @ours) {
        my $path = "$d/$name";
        1 while $path =~ s{[^/]+/\.\./}{};
        return $path if -e top() . "/$path";
    }
    return $name if grep { $_ eq $name } @by_name;
    for my $kind (qw(apr httpd php)) {
        return $kind if grep { -e "$_/$name" } @{$self->{dirs}{$kind}};
    }
    return $quoted ? $name : 'libc';
}

# Headers that ${file} includes itself: [line number, target].
sub direct
{
    my ($self, $file) = @_;
    return @{$self->{direct}{$file} //= [$self->scan($file, slurp($file))]};
}

sub scan
{
    my ($self, $file, $text) = @_;
    my ($n, @found) = (0);
    for my $line (split /\n/, c_code($text, 1)) {
        $n++;
        push @found, [$n, $self->target($file, $2, $1 eq '"')]
            if $line =~ /^\s*#\s*include\s*(["<])([^">]+)[">]/;
    }
    return @found;
}

# All that ${file} sees, through our own headers too.
sub closure
{
    my ($self, $file) = @_;
    my (%seen, @todo);
    @todo = map { $_->[1] } $self->direct($file);
    while (defined(my $next = shift @todo)) {
        next if $seen{$next}++;
        push @todo, map { $_->[1] } $self->direct($next)
            if $next =~ m{/} && -e top() . "/$next";
    }
    return sort keys %seen;
}

sub rows
{
    my ($self, $file, $verb) = @_;
    return map { @{$_->{to}} }
        grep { $_->{verb} eq $verb && $file =~ $_->{who} } @{$self->{rows}};
}

sub wrong_direct
{
    my ($self, $file) = @_;
    my @may = $self->rows($file, 'may');
    return "$file: no row allows it anything" unless @may;
    return map { "$file:$_->[0]: may not include $_->[1]" }
        grep { my $to = $_->[1]; !grep { $to =~ $_ } @may }
        $self->direct($file);
}

sub wrong_indirect
{
    my ($self, $file) = @_;
    my @never = $self->rows($file, 'never') or return;
    return map { "$file: must not see $_, not even through other headers" }
        grep { my $to = $_; $to ne $file && grep { $to =~ $_ } @never }
        $self->closure($file);
}

1;
