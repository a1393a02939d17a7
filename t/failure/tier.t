# SPDX-License-Identifier: Apache-2.0
# The second store of a tier fails, or the first: a table of docs/failure.md.
use SxTest;
use SxTest::BadPeer;
use SxTest::Failure;
use SxTest::Redis;

my $redis = SxTest::Redis->new->start;
my $peer = SxTest::BadPeer->start(before => $redis->port);
SxTest::Failure::check('A tier of shared memory and Redis', peer => $peer,
    is_proxied => 1, conf => 'SessionExtTierMaxAge 10m',
    store => 'tier:shm redis://127.0.0.1:' . $peer->port,
    faults => {
        'nobody listens'                     => ['refuse'],
        'it takes commands and says nothing' => ['silent'],
        'it closes at each command'          => ['drop'],
        'answers are no answers'             => ['bytes', bytes => "\0\xff?\n"],
    });
SxTest::done();
