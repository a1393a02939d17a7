# SPDX-License-Identifier: Apache-2.0
# MariaDB fails: a table of docs/failure.md.
use SxTest;
use SxTest::BadPeer;
use SxTest::Database;
use SxTest::Failure;

my $database = SxTest::Database->new('mysql');
my $socket = $database->dir . '/peer';
my $peer = SxTest::BadPeer->start(socket => $socket,
    before => $database->dir . '/socket');
SxTest::Failure::check('MariaDB', peer => $peer, is_proxied => 1,
    more => ['dbd'], store => 'dbd',
    conf => "DBDriver mysql\nDBDParams \"sock=$socket user=rich dbname=sx\"\n"
        . 'DBDMin 0',
    faults => {
        'nobody listens'            => ['refuse'],
        'it closes at each command' => ['drop'],
    });
