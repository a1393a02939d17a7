# SPDX-License-Identifier: Apache-2.0
# The stores of the benchmark of all of them, in the order of its table: how many
# bytes sessions have there.
#
#   name    of its row          quick   also in the short form
#   store   of SxTest::Stores   needs   programs
#   bytes   that its sessions take up, by now, from our server, what runs beside
#           it, and the store of SxTest::Stores
#   block   of a file system, of which each session has whole ones
package Bench::Backends::Kinds;
use strict;
use warnings;
use JSON::PP qw(decode_json);
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

# All pages, also those that are in the log yet.  Not there: none.
sub sqlite_bytes
{
    my ($file) = @_;
    return -e $file ? output('sqlite3', $file, 'SELECT page_count * page_size'
        . ' FROM pragma_page_count(), pragma_page_size()') : 0;
}

# ---- of others ---------------------------------------------------------------

sub redis_bytes
{
    my (undef, $redis) = @_;
    my ($bytes) = $redis->cli(qw(info memory)) =~ /^used_memory:(\d+)/m;
    return $bytes;
}

# ---- all ---------------------------------------------------------------------

sub all
{
    return (
        {name => 'shm', store => 'shm', quick => 1, bytes => \&shm_bytes},
        {name => 'cookie', store => 'cookie'},
        {name => 'file', store => 'file', quick => 1, block => 4096,
            bytes => sub { disk_bytes($_[0]->runtime_dir . '/files') }},
        {name => 'dbd, SQLite', store => 'sqlite', needs => ['sqlite3'],
            bytes => sub { sqlite_bytes($_[2]->place . '/sessions.db') }},
        {name => 'dbd, PostgreSQL', store => 'pgsql', needs => ['psql'],
            bytes => sub {
                $_[1]->sql(q[SELECT pg_total_relation_size('session_ext')])
            }},
        {name => 'dbd, MariaDB', store => 'mysql', needs => ['mariadbd'],
            bytes => sub {
                $_[1]->sql('ANALYZE TABLE session_ext');
                $_[1]->sql('SELECT data_length + index_length FROM'
                    . ' information_schema.tables'
                    . q[ WHERE table_name = 'session_ext']);
            }},
        {name => 'redis', store => 'redis', needs => ['redis-server'],
            bytes => \&redis_bytes},
        {name => 'tier: shm, redis', store => 'tier', needs => ['redis-server'],
            bytes => \&redis_bytes},
        {name => 'socache: memcache', store => 'memcache',
            needs => ['memcached']},
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
