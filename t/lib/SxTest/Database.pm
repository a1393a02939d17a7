# SPDX-License-Identifier: Apache-2.0
# PostgreSQL or MariaDB with data of its own, on a unix socket in a directory of
# its own, as the user of the tests; gone with the test.
#
#   new(KIND, OPTION...)  pgsql or mysql, as APR's drivers are called; and what
#            else its server is told
#   kind     the first of them
#   params   what such a driver connects with, as a user who may do anything
#   poor     the same, as one who may make no table
#   start stop kill pause go_on; sql(TEXT): run it, and what it gives
package SxTest::Database;
use strict;
use warnings;
use File::Path qw(remove_tree);
use File::Temp qw(tempdir);
use SxTest::Daemon;
use SxTest::File qw(spew);
use SxTest::Paths;

my $OWNER = $$;
my @live;

my %KIND = (
    pgsql => {
        socket => '.s.PGSQL.5432',
        first  => \&_first_pgsql,
        command => sub {
            my ($dir) = @_;
            return [_pgsql('postgres'), '-D', "$dir/data", '-k', $dir,
                map { ('-c', $_) } 'listen_addresses=', 'fsync=off',
                # Nowhere but in its directory, also if it is killed.
                'dynamic_shared_memory_type=mmap',
                'shared_buffers=16MB', 'max_connections=80'];
        },
        params => 'host=DIR user=%s dbname=postgres',
        client => sub {
            return ('psql', '-X', '-A', '-t', '-v', 'ON_ERROR_STOP=1', '-h', $_[0],
                '-U', 'rich', '-d', 'postgres', '-c', $_[1]);
        },
    },
    mysql => {
        socket => 'socket',
        first  => \&_first_mysql,
        command => sub {
            my ($dir) = @_;
            return ['mariadbd', '--no-defaults', "--datadir=$dir/data",
                "--socket=$dir/socket", '--skip-networking',
                "--pid-file=$dir/pid", "--init-file=$dir/init.sql",
                '--innodb-flush-log-at-trx-commit=2',
                '--innodb-buffer-pool-size=16M'];
        },
        params => 'sock=DIR/socket user=%s dbname=sx',
        client => sub {
            return ('mariadb', '--no-defaults', '-N', '-S', "$_[0]/socket", '-u',
                'rich', 'sx', '-e', $_[1]);
        },
    },
);

sub _pgsql
{
    my ($program) = @_;
    my @found = sort grep { -x } glob "/usr/lib/postgresql/*/bin/$program";
    die "no $program (Debian: postgresql)\n" unless @found;
    return $found[-1];
}

sub _first_pgsql
{
    my ($dir) = @_;
    _run($dir, [_pgsql('initdb'), '-D', "$dir/data", '-U', 'rich', '-A', 'trust',
        '-E', 'UTF8', '--locale=C', '--no-sync']);
    return;
}

sub _first_mysql
{
    my ($dir) = @_;
    _run($dir, ['mariadb-install-db', '--no-defaults', "--datadir=$dir/data",
        '--auth-root-authentication-method=normal', '--skip-test-db']);
    spew("$dir/init.sql", <<'EOF');
CREATE DATABASE IF NOT EXISTS sx;
CREATE USER IF NOT EXISTS rich@localhost;
GRANT ALL ON *.* TO rich@localhost;
CREATE USER IF NOT EXISTS poor@localhost;
GRANT SELECT, INSERT, UPDATE, DELETE ON sx.* TO poor@localhost;
EOF
    return;
}

sub _run
{
    my ($dir, $command) = @_;
    SxTest::Daemon->run(name => 'said', dir => $dir, command => $command);
    return;
}

# Short and below /tmp, as sockets want it.
sub new
{
    my ($class, $kind, @more) = @_;
    my $dir = tempdir("sxt-$kind-XXXXXX", DIR => SxTest::Paths::scratch_root());
    my $who = SxTest::Paths::test_user();
    my $self = bless { kind => $kind, dir => $dir, more => \@more,
        %{ $KIND{$kind} } }, $class;
    chown $who->{uid}, $who->{gid}, $dir unless $>;
    chmod 0755, $dir;
    push @live, $self;
    $self->{first}->($dir);
    $self->start;
    $self->sql('CREATE ROLE poor LOGIN') if $kind eq 'pgsql';
    return $self;
}

sub kind   { return $_[0]{kind} }
sub dir    { return $_[0]{dir} }
sub params { return sprintf $_[0]{params} =~ s/DIR/$_[0]{dir}/r, 'rich' }
sub poor   { return sprintf $_[0]{params} =~ s/DIR/$_[0]{dir}/r, 'poor' }

sub start
{
    my ($self) = @_;
    my $socket = "$self->{dir}/$self->{socket}";
    # What was killed has left them.
    unlink $socket, "$socket.lock", "$self->{dir}/data/postmaster.pid";
    $self->{daemon} = SxTest::Daemon->start(name => $self->{kind},
        dir => $self->{dir}, socket => $socket,
        command => [@{ $self->{command}->($self->{dir}) }, @{ $self->{more} }]);
    # A socket that answers need not let anybody in yet.
    for (1 .. 500) {
        return $self if defined eval { $self->sql('SELECT 1') };
        select undef, undef, undef, 0.05;
    }
    die "$self->{kind} lets nobody in: $@";
}

# The lines that it gives.
sub sql
{
    my ($self, $sql) = @_;
    open my $in, '-|', 'sh', '-c', 'exec "$@" 2>/dev/null', 'sh',
        $self->{client}->($self->{dir}, $sql) or die "$self->{kind}: $!\n";
    my $said = join '', <$in>;
    close $in or die "$self->{kind} refused: $sql\n";
    chomp $said;
    return $said;
}

# Each of PostgreSQL's has a process group of its own.
sub _processes
{
    my ($pid) = @_;
    my @found = ($pid);
    for my $file (glob "/proc/$pid/task/*/children") {
        open my $in, '<', $file or next;
        push @found, map { _processes($_) } split ' ', readline($in) // '';
    }
    return @found;
}

# With all of its processes, as a host that dies takes them.
sub kill
{
    my ($self) = @_;
    my $daemon = delete $self->{daemon} or return;
    my @all = _processes($daemon->{pid} // return);
    CORE::kill KILL => @all;
    $daemon->stop;
    # What still runs writes to the files that the next server finds.
    for (1 .. 500) {
        return unless grep { CORE::kill 0, $_ } @all;
        select undef, undef, undef, 0.01;
    }
    die "$self->{kind} does not die\n";
}

sub stop
{
    my ($self) = @_;
    my $daemon = delete $self->{daemon} or return;
    # PostgreSQL waits for its clients at TERM; at INT it does not.
    CORE::kill INT => $daemon->{pid} if $self->{kind} eq 'pgsql';
    $daemon->stop;
    return;
}

END {
    local $?;
    if ($$ == $OWNER) {
        for (@live) {
            $_->stop;
            remove_tree($_->{dir}) unless $ENV{SXTEST_KEEP};
        }
    }
}

1;
