# SPDX-License-Identifier: Apache-2.0
# memcached fails: a table of docs/failure.md.  Its client asks a dead server again
# after five seconds, so SXTEST_LONG makes all rows, and some are enough else.
use SxTest;
use SxTest::BadPeer;
use SxTest::Daemon;
use SxTest::Failure;

my $memcached = SxTest::Daemon->start(name => 'memcached',
    command => [qw(memcached -l 127.0.0.1 -U 0 -m 64 -p PORT)]);
my $peer = SxTest::BadPeer->start(before => $memcached->port);
my %free = (
    'nobody listens'                 => ['refuse'],
    'it closes at each command'      => ['drop'],
    'answers come half a second late' => ['late', ms => 500],
    'answers are of a wrong type'    => ['bytes', bytes => "STAT pid 1\r\n"],
    'answers are no answers'         => ['bytes', bytes => "\0\xff?\n"],
);
# apr_memcache waits for an answer as long as there is a connection: with half of
# the sixteen threads.
my %held = (
    'connections are not answered'       => [1, 1],
    'it takes commands and says nothing' => [12, 8],
    'answers come byte by byte'          => [12, 8],
    'half of each answer comes'          => [12, 8],
    'answers say that they are huge'     => [12, 8],
);
my %faults = (
    'connections are not answered'       => ['hang'],
    'answers come byte by byte'          => ['slow'],
    'it takes commands and says nothing' => ['silent'],
    'half of each answer comes'          => ['half'],
    'answers say that they are huge'     => ['bytes',
        bytes => "VALUE x 0 99999999999\r\n"],
);
SxTest::Failure::check('memcached', peer => $peer, is_proxied => 1,
    more => ['socache_memcache'], mpms => ['worker', 'event'], write => 'set ',
    back_s => 6, first_ms => 2500,
    store => 'socache:memcache:127.0.0.1:' . $peer->port,
    faults => { %free, %faults }, held => \%held,
    short => ['nobody listens', 'it takes commands and says nothing',
        'the answer to one write is lost']);
SxTest::done();
