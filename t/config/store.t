# SPDX-License-Identifier: Apache-2.0
# ShmStore: each bad word, and each store that cannot be, is told by httpd -t.
use SxTest;
use SxTest::Refusal;

my $s = SxTest::Server->new;
my $run = $s->runtime_dir;

sub row
{
    my ($words, @needles) = @_;
    return ["ShmStore $words", "ShmStore $words", 'ShmStore', @needles];
}

SxTest::Refusal::refused($s,
    (map { row("x size=$_", "size=$_", '1m to 256g') }
        '1023k', '0', '1048575', '257g'),
    (map { row("x size=$_", "size=$_", 'k, m or g') }
        '-1m', '64x', '1.5m', '', '99999999999g', '0x100000'),
    (map { row("x max-record=$_", "max-record=$_", '1k to 4m') }
        '1023', '0', '5m'),
    row('x max-record=-1', 'max-record=-1', 'k, m or g'),
    row('x on-full=panic', 'on-full=panic', 'refuse or evict'),
    (map { row("x $_", $_, '1% to 100%') } 'max-anonymous=0%',
        'max-anonymous=101%', 'max-namespace=20', 'max-namespace=%',
        'max-namespace=-1%'),
    row('x group=no-such-group', 'group=no-such-group', 'group'),
    row('x group=', 'group=', 'group'),
    row('x file=', 'file=', 'path'),
    row('x snapshot=', 'snapshot=', 'FILE or FILE,INTERVAL'),
    (map { row("x snapshot=x,$_", "snapshot=x,$_", '10s to 10 years') }
        '9', '1x', '', '11y'),
    row('x size', "'size'", 'size= file='),
    row('x colour=blue', 'colour=blue', 'size= file='),
    row('"a b"', 'a b', '1 to 64 of A-Z'),
    row('../x', '../x', '1 to 64 of A-Z'),
    row('', 'ShmStore', '1 to 64 of A-Z'),
    row('n' x 65, 'n' x 65, '1 to 64 of A-Z'));

SxTest::Refusal::refused($s,
    ['two stores of one name', "ShmStore x\nShmStore x size=2m", 'ShmStore',
        "'x'", 'already', 'httpd.conf:'],
    ['two stores in one file', "ShmStore x size=1m file=$run/f.shm\n"
        . "ShmStore y size=1m file=$run/f.shm", 'ShmStore', "'x'", "'y'",
        "$run/f.shm"],
    ['a second store in the file of the default one',
        "ShmStore sessions size=1m\n"
        . "ShmStore y size=1m file=$run/session_ext-sessions.shm",
        'ShmStore', "'y'", 'session_ext-sessions.shm'],
    ['a store in a virtual host', "<VirtualHost *:1>\nServerName x\n"
        . "ShmStore x\n</VirtualHost>", 'ShmStore', 'VirtualHost'],
    ['a store in a location', "<Location /x>\nShmStore x\n</Location>",
        'ShmStore', 'not allowed'],
    ['no directory for the file', 'ShmStore x size=1m file=/no/such/place/x',
        'ShmStore', "'x'", '/no/such/place/x', 'directory'],
    ['a size above the room there', 'ShmStore x size=255g', 'ShmStore', "'x'",
        255 * 2**30, 'room']);

SxTest::Refusal::accepted($s,
    ['every word', "ShmStore x size=2m file=run/x.shm max-record=4m "
        . 'on-full=evict max-anonymous=100% max-namespace=1%'],
    ['the smallest store', 'ShmStore x size=1m'],
    ['two stores', "ShmStore x size=1m\nShmStore y size=1m"]);
SxTest::done();
