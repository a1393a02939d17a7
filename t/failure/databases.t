# SPDX-License-Identifier: Apache-2.0
# PostgreSQL and MariaDB fail: tables of docs/failure.md.
use SxTest;
use SxTest::BadPeer;
use SxTest::Database;
use SxTest::Failure;

my %GONE = (
    'nobody listens'            => ['refuse'],
    'it closes at each command' => ['drop'],
);
# MariaDB's library would wait for the second connection without end.
my %SILENT = (
    'it takes commands and says nothing' => ['silent'],
    'half of each answer comes'          => ['half'],
    'answers come a second late'         => ['late', ms => 1000],
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
        faults => { %GONE, %SILENT });
    return;
}

sub mysql
{
    my $database = SxTest::Database->new('mysql');
    my $socket = $database->dir . '/peer';
    my $peer = SxTest::BadPeer->start(socket => $socket,
        before => $database->dir . '/socket');
    SxTest::Failure::check('MariaDB', peer => $peer, is_proxied => 1,
        more => ['dbd'], store => 'dbd',
        conf => conf('mysql', "sock=$socket user=rich dbname=sx"),
        faults => {%GONE});
    return;
}

# Their servers take seconds to start: both for one MPM, one for the others.
pgsql() if SxTest::mpm() ne 'prefork';
mysql() if SxTest::mpm() ne 'worker';
SxTest::done();
