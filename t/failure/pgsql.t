# SPDX-License-Identifier: Apache-2.0
# PostgreSQL fails: a table of docs/failure.md.
use SxTest;
use SxTest::BadPeer;
use SxTest::Database;
use SxTest::Failure;

my $database = SxTest::Database->new('pgsql');
my $peer = SxTest::BadPeer->start(before => $database->dir . '/.s.PGSQL.5432');
my $params = 'host=127.0.0.1 port=' . $peer->port . ' user=rich dbname=postgres';
SxTest::Failure::check('PostgreSQL', peer => $peer, is_proxied => 1,
    first_ms => 3500, more => ['dbd'], store => 'dbd',
    conf => "DBDriver pgsql\nDBDParams \"$params\"\nDBDMin 0",
    faults => {
        'nobody listens'                     => ['refuse'],
        'it takes commands and says nothing' => ['silent'],
        'half of each answer comes'          => ['half'],
        'answers come a second late'         => ['late', ms => 1000],
        'it closes at each command'          => ['drop'],
    });
