# SPDX-License-Identifier: Apache-2.0
# The stores that sessions may live in, for the benchmark of all of them: what
# httpd is told, what runs beside it, and how many bytes it has.
#
#   name    of its row          quick   also in the short form
#   spec    of SessionExtStore, made from what runs
#   needs   programs            more    modules of httpd
#   start   what runs beside httpd: an object with `stop` and, if its CPU is to
#           be counted, {pid}   conf    of httpd, for the whole server
#   bytes   that its sessions take up, by now, from our server and what runs
#   block   of a file system, of which each session has whole ones
package Bench::Backends::Kinds;
use strict;
use warnings;
use JSON::PP qw(decode_json);
use SxTest::Daemon;
use SxTest::Tool qw(segment_of tool);

sub output
{
    my (@command) = @_;
    open my $pipe, '-|', @command or die "$command[0]: $!\n";
    local $/ = undef;
    my $text = readline $pipe;
    close $pipe or die "$command[0] failed\n";
    return $text;
}

# ---- of this host ------------------------------------------------------------

# All but free pages, index and headers included.
sub shm_bytes
{
    my ($server) = @_;
    my ($status, $text) = tool('--json', 'stats', segment_of($server));
    die "htsession has no figures\n" if $status;
    my $is = decode_json($text);
    return $is->{size} - $is->{pages_free} * $is->{page_size};
}

sub disk_bytes
{
    my ($path) = @_;
    my ($kb) = output('du', '-sk', $path) =~ /^(\d+)/;
    return 1024 * $kb;
}

# ---- of others ---------------------------------------------------------------

sub redis
{
    my ($dir) = @_;
    my $socket = "$dir/redis.sock";
    return SxTest::Daemon->start(name => 'redis', dir => $dir,
        socket => $socket, command => ['redis-server', '--port', 0,
            '--unixsocket', $socket, '--dir', $dir, '--save', '',
            '--appendonly', 'no']);
}

sub redis_bytes
{
    my (undef, $redis) = @_;
    my $text = output('redis-cli', '-s', $redis->{socket}, 'info', 'memory');
    my ($bytes) = $text =~ /^used_memory:(\d+)/m;
    return $bytes;
}

sub database
{
    my ($kind) = @_;
    require SxTest::Database;
    return SxTest::Database->new(kind => $kind)->start;
}

sub dbd_conf
{
    my ($driver, $params) = @_;
    return "DBDriver $driver\nDBDParams \"$params\"\nDBDMax 32\n";
}

# ---- all ---------------------------------------------------------------------

sub all
{
    return (
        {name => 'shm', quick => 1, spec => sub { 'shm' },
            bytes => \&shm_bytes},
        {name => 'cookie', spec => sub { 'cookie' }},
        {name => 'file', quick => 1, spec => sub { "file:$_[0]/run/files" },
            block => 4096,
            bytes => sub { disk_bytes($_[0]->root . '/run/files') }},
        {name => 'dbd, SQLite', spec => sub { 'dbd' }, more => ['dbd'],
            conf => sub { dbd_conf('sqlite3', "$_[0]/run/sessions.db") },
            bytes => sub { disk_bytes($_[0]->root . '/run/sessions.db') }},
        {name => 'dbd, PostgreSQL', spec => sub { 'dbd' }, more => ['dbd'],
            needs => ['psql'], start => sub { database('pgsql') },
            conf => sub { dbd_conf('pgsql', $_[1]->params) },
            bytes => sub {
                $_[1]->sql(q[SELECT pg_total_relation_size('session_ext')])
            }},
        {name => 'dbd, MariaDB', spec => sub { 'dbd' }, more => ['dbd'],
            needs => ['mariadbd'], start => sub { database('mysql') },
            conf => sub { dbd_conf('mysql', $_[1]->params) },
            bytes => sub {
                $_[1]->sql('ANALYZE TABLE session_ext');
                $_[1]->sql('SELECT data_length + index_length FROM'
                    . ' information_schema.tables'
                    . q[ WHERE table_name = 'session_ext']);
            }},
        {name => 'redis', spec => sub { "redis:unix:$_[1]{socket}" },
            needs => ['redis-server', 'redis-cli'], start => \&redis,
            bytes => \&redis_bytes},
        {name => 'tier: shm, redis', needs => ['redis-server'],
            spec => sub { "tier:shm redis:unix:$_[1]{socket}" },
            start => \&redis},
    );
}

# The program that one of them lacks, or ''.
sub lacking
{
    my ($kind) = @_;
    for my $program (@{$kind->{needs} // []}) {
        return "$program not installed"
            if system('sh', '-c', "command -v $program >/dev/null") != 0;
    }
    return '';
}

1;
