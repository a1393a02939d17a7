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
use SxTest::Redis;

my $OWNER = $$;

# spec and conf stand in a configuration, RUN for DefaultRuntimeDir and PLACE for a
# directory in which the server's user may make files.
my %ROW = (
    shm => {spec => 'shm'},
    cookie => {spec => 'cookie'},
    file => {spec => 'file:RUN/files', durable => 1},
    sqlite => {spec => 'dbd', more => ['dbd'], durable => 1,
        conf => _dbd('sqlite3', 'PLACE/sessions.db')},
    pgsql => {spec => 'dbd', more => ['dbd'], durable => 1, served => 1,
        beside => sub { SxTest::Database->new('pgsql') },
        conf => sub { _dbd('pgsql', $_[0]->params) }},
    mysql => {spec => 'dbd', more => ['dbd'], durable => 1, served => 1,
        beside => sub { SxTest::Database->new('mysql') },
        conf => sub { _dbd('mysql', $_[0]->params) }},
    redis => {spec => sub { 'redis:unix:' . $_[0]->socket }, durable => 1,
        served => 1, beside => sub { SxTest::Redis->new->start }},
    tier => {spec => sub { 'tier:shm redis:unix:' . $_[0]->socket }, durable => 1,
        served => 1, beside => sub { SxTest::Redis->new->start },
        conf => "SessionExtTierMaxAge 5s\n"},
    memcache => {spec => sub { 'socache:memcache:127.0.0.1:' . $_[0]->port },
        more => ['socache_memcache'], beside => \&_memcached},
);

sub _memcached
{
    return SxTest::Daemon->start(name => 'memcached', dir => _place('memcached'),
        command => ['memcached', '-l', '127.0.0.1', '-p', 'PORT', '-U', 0]);
}

# A directory for a server, gone with the test.
my @places;

sub _place
{
    my ($name) = @_;
    my $dir = tempdir("sxt-$name-XXXXXX", DIR => SxTest::Paths::scratch_root());
    my $who = SxTest::Paths::test_user();
    chown $who->{uid}, $who->{gid}, $dir unless $>;
    chmod 0755, $dir;
    push @places, $dir;
    return $dir;
}

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
sub place  { return $_[0]{place} //= _place($_[0]{name}) }
sub spec   { return _text($_[0], $_[0]{spec}) }
sub beside { return $_[0]{beside} }

sub _text
{
    my ($self, $said) = @_;
    my $text = ref $said ? $said->($self->{beside}) : $said // '';
    $text =~ s/\bPLACE\b/$self->place/ge;
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
    return ($beside->{daemon} // $beside)->{pid};
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

END {
    local $?;
    if ($$ == $OWNER && @places) {
        SxTest::Daemon::stop_all();
        remove_tree(@places) unless $ENV{SXTEST_KEEP};
    }
}

1;
