# SPDX-License-Identifier: Apache-2.0
# PostgreSQL and MariaDB fail: tables of docs/failure.md.
use SxTest;
use SxTest::BadPeer;
use SxTest::Database;
use SxTest::Failure;

my $APP = '/kept/cgi/app';
my %GONE = (
    'nobody listens'            => ['refuse'],
    'it closes at each command' => ['drop'],
);
my %SILENT = (
    'it takes commands and says nothing' => ['silent'],
    'half of each answer comes'          => ['half'],
);

sub conf
{
    my ($driver, $params) = @_;
    return "DBDriver $driver\nDBDParams \"$params\"\nDBDMin 0";
}

sub pgsql
{
    my $database = SxTest::Database->new('pgsql');
    my $peer = SxTest::BadPeer->start(
        before => $database->dir . '/.s.PGSQL.5432');
    SxTest::Failure::check('PostgreSQL', peer => $peer, is_proxied => 1,
        first_ms => 3500, more => ['dbd'], store => 'dbd',
        conf => conf('pgsql', 'host=127.0.0.1 port=' . $peer->port
            . ' user=rich dbname=postgres'),
        faults => { %GONE, %SILENT,
            'answers come a second late' => ['late', ms => 1000] });
    return;
}

# MariaDB's library has a deadline to connect from a file alone, and MARIADB_HOME
# says where one may lie.
sub option_file
{
    my ($dir) = @_;
    open my $out, '>', "$dir/my.cnf" or die "$dir/my.cnf: $!\n";
    print $out "[sessions]\nconnect-timeout=1\n";
    close $out or die "$dir/my.cnf: $!\n";
    $ENV{MARIADB_HOME} = $dir;
    return;
}

sub mysql
{
    my $database = SxTest::Database->new('mysql');
    option_file($database->dir);
    my $socket = $database->dir . '/peer';
    my $peer = SxTest::BadPeer->start(socket => $socket,
        before => $database->dir . '/socket');
    SxTest::Failure::check('MariaDB', peer => $peer, is_proxied => 1,
        more => ['dbd'], store => 'dbd',
        conf => conf('mysql', "sock=$socket user=rich dbname=sx group=sessions"),
        first_ms => 5000, mpms => ['worker'],
        faults => { %GONE, %SILENT,
            'answers come two seconds late' => ['late', ms => 2000],
            'answers come byte by byte'     => ['slow'],
            'answers are no answers'        => ['bytes', bytes => "\0\xff?\n"],
            'answers say that they are huge' => ['bytes',
                bytes => "\xff\xff\xff\1\0"],
        });
    without_deadline($peer, $socket) if SxTest::mpm() eq 'worker';
    return;
}

# With no such file connecting lasts as long as the server likes.
sub without_deadline
{
    my ($peer, $socket) = @_;
    my $failure = SxTest::Failure->new(section => 'MariaDB, no deadline',
        peer => $peer, more => ['dbd'], store => 'dbd',
        conf => conf('mysql', "sock=$socket user=rich dbname=sx"));
    $failure->does('silent');
    my @all = map { $failure->{b}->clone->start($APP) } 1 .. 14;
    sleep 4;
    my $kept = SxTest::Failure::unanswered(@all);
    ok($kept > 2 && $kept <= 8, "of 14 who ask at one time $kept are kept, of "
        . 'the sixteen threads half at most');
    my $other = $failure->{b}->get($APP);
    is($other->env('SESSION_STATUS'), 'unavailable', 'others are told so');
    cmp_ok($other->elapsed, '<', 0.5, 'at once');
    $failure->does('refuse');
    is(join(' ', grep { ($_->finish->env('SESSION_STATUS') // '') ne 'unavailable' }
        @all), '', 'and they, when their connection ends');
    $failure->does('pass');
    ok(defined $failure->back_after, 'then it is over');
    $failure->{server}->stop;
    return;
}

# Their servers take seconds to start, and so do their rows: all of one for one
# MPM, all of the other for another.
pgsql() if SxTest::mpm() ne 'worker';
mysql() if SxTest::mpm() ne 'event';
SxTest::done();
