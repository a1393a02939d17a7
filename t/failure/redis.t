# SPDX-License-Identifier: Apache-2.0
# Redis fails: a table of docs/failure.md.
use SxTest;
use SxTest::BadPeer;
use SxTest::Failure;
use SxTest::Redis;

my $redis = SxTest::Redis->new->start;
my $peer = SxTest::BadPeer->start(before => $redis->port);
SxTest::Failure::check('Redis', peer => $peer, is_proxied => 1,
    store => 'redis://127.0.0.1:' . $peer->port,
    faults => {
        'nobody listens'                     => ['refuse'],
        'connections are not answered'       => ['hang'],
        'it takes commands and says nothing' => ['silent'],
        'it closes at each command'          => ['drop'],
        'half of each answer comes'          => ['half'],
        'answers come byte by byte'          => ['slow'],
        'answers come half a second late'    => ['late', ms => 500],
        'answers are of a wrong type'        => ['bytes', bytes => ":42\r\n"],
        'answers say that they are huge'     => ['bytes',
            bytes => "\$99999999999\r\n"],
        'answers are no answers'             => ['bytes', bytes => "\0\xff?\n"],
    });
SxTest::done();
