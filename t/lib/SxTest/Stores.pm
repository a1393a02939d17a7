# SPDX-License-Identifier: Apache-2.0
# Every store that sessions may live in, with a real server behind it where it
# has one: for what must hold of all of them.
#
#   my $store = SxTest::Stores->start('redis');      # its server, if it has one
#   my $server = SxTest::Server->new($store->options, conf => $store->conf . ...
#       'SessionExtStore ' . $store->spec);
#   $store->crash;                                   # and up again
#   $store->stop;
#
# A new store is a row.  `durable`: what it confirmed outlives its own server.
package SxTest::Stores;
use strict;
use warnings;
use File::Path qw(remove_tree);
use File::Temp qw(tempdir);
use SxTest::Daemon;
use SxTest::Database;
use SxTest::Keys;
use SxTest::Paths;

# spec and conf stand in a configuration, RUN for DefaultRuntimeDir.
my %ROW = (
    shm => {spec => 'shm'},
    cookie => {spec => 'cookie'},
    file => {spec => 'file:RUN/files', durable => 1},
    sqlite => {spec => 'dbd', more => ['dbd'], durable => 1,
        conf => _dbd('sqlite3', 'RUN/sessions.db')},
    pgsql => {spec => 'dbd', more => ['dbd'], durable => 1, served => 1,
        beside => sub { SxTest::Database->new('pgsql') },
        conf => sub { _dbd('pgsql', $_[0]->params) }},
    mysql => {spec => 'dbd', more => ['dbd'], durable => 1, served => 1,
        beside => sub { SxTest::Database->new('mysql') },
        conf => sub { _dbd('mysql', $_[0]->params) }},
);

sub _dbd
{
    my ($driver, $params) = @_;
    return "DBDriver $driver\nDBDParams \"$params\"\nDBDMax 32\n";
}

# All, or the one that SXTEST_STORE names.
sub names
{
    my $only = $ENV{SXTEST_STORE};
    return grep { !defined $only || $_ eq $only } sort keys %ROW;
}

sub durable { return grep { $ROW{$_}{durable} } names() }

sub start
{
    my ($class, $name) = @_;
    my $row = $ROW{$name} or die "no store is called $name\n";
    my $self = bless {name => $name, %$row}, $class;
    $self->{beside} = $row->{beside}->() if $row->{beside};
    return $self;
}

sub name   { return $_[0]{name} }
sub spec   { return _text($_[0], $_[0]{spec}) }
sub beside { return $_[0]{beside} }

sub _text
{
    my ($self, $said) = @_;
    my $text = ref $said ? $said->($self->{beside}) : $said // '';
    return $text =~ s/\bRUN\b/\${SX_RUN}/gr;
}

# For SxTest::Server->new.
sub options { return (more => $_[0]{more} // []) }

# For the server config.
sub conf
{
    my ($self) = @_;
    return "SessionExtKeyFile \${SX_RUN}/store.keys\n"
        . _text($self, $self->{conf});
}

# The key file that this configuration names.
sub put_keys
{
    my ($self, $server) = @_;
    SxTest::Keys::put($server->runtime_dir . '/store.keys',
        SxTest::Keys::line(1));
    return;
}

# Is there a server that may die?
sub is_served { return $_[0]{served} }

# Of its server, or nothing.
sub pid
{
    my ($self) = @_;
    my $beside = $self->{beside} or return undef;
    return $beside->{pid} // $beside->{daemon}{pid};
}

# kill -9 of its server, with all of its processes, and up again.
sub crash
{
    my ($self) = @_;
    $self->{beside}->kill;
    $self->{beside}->start;
    return;
}

sub stop
{
    my ($self) = @_;
    $self->{beside}->stop if $self->{beside};
    return;
}

1;
