# SPDX-License-Identifier: Apache-2.0
# Every directive of a scope refuses a value out of its range, and says which
# directive, which value and what is accepted.
use SxTest;
use SxTest::Refusal;

my $s = SxTest::Server->new;
my $long = 'k' x 129;

# In a scope that is used, so that nothing passes because nobody looks.
sub scope
{
    return "<Location /x>\nSessionExt On\n$_[0]\n</Location>";
}

sub row
{
    my ($directive, $value, @accepted) = @_;
    my $shown = length $value > 40 ? substr($value, 0, 8) . '…' : $value;
    return ["$directive $shown", scope("$directive \"$value\""), $directive,
        $value, @accepted];
}

my @SWITCHES = map { "SessionExt$_" }
    '', qw(Encrypt RemoteUser RequestHeaders Accept HideCookie);
my @DURATIONS = map { "SessionExt$_" }
    qw(IdleTimeout IdleMax AbsoluteTimeout RenewInterval RenewGrace
       TouchInterval);

SxTest::Refusal::refused($s,
    (map { row($_, 'yes', 'On and Off') } @SWITCHES),
    (map { row($_, '-5', 's, m, h or d', '10 years') } @DURATIONS),
    (map { row("SessionExt$_", '0', '1s or more') }
        qw(IdleTimeout IdleMax AbsoluteTimeout)),
    (map { row('SessionExtIdleTimeout', $_, 's, m, h or d') }
        '1.5h', '5w', '10mm', 'soon', '1h30m', ' 5', '+5', '3651d',
        '9223372036854775807d', '18446744073709551616'),
    (map { row('SessionExtMaxSize', $_, '256 bytes to 4m') }
        '255', '0', '5m', '4097k', '1g'),
    (map { row('SessionExtMaxSize', $_, 'k, m or g') }
        '-1', '64x', '64kb', 'big', '9999999999g'),
    (map { row('SessionExtNamespace', $_, '1 to 64 of A-Z') }
        'a b', 'a/b', '../x', 'n' x 65),
    (map { row('SessionExtStore', $_, 'shm:NAME') }
        'etcd:localhost', 'cookies', 'memcache:x', 'sessions'),
    (map { ["SessionExtStore shm:$_", scope("SessionExtStore shm:$_"),
            'SessionExtStore', "'shm:$_'", '1 to 64 of A-Z'] }
        '', '../x', 's' x 65),
    (map { row('SessionExtMaxPerUser', $_, '0 (any number) to 1000') }
        '-1', '1001', 'many', '1.5', '99999999999999999999'),
    (map { row('SessionExtBind', $_, 'off, log and kill', 'ip/8 to ip/32') }
        'on', 'ua', ''),
    row('SessionExtUserKey', $long, '1 to 128 bytes'),
    row('SessionExtEnv', $long, '128 bytes'),
    row('SessionExtFlash', 'perhaps', 'On, Off and fetch'),
    row('SessionExtOnStoreError', '500', 'pass and 503'));

SxTest::Refusal::refused($s,
    (map { ["SessionExtFlashMax $_", scope("SessionExtFlashMax $_"),
            'SessionExtFlashMax', (split / /)[0], '1 to 32'] }
        '0 8k', '33 8k', '-1 8k', 'x 8k'),
    (map { ["SessionExtFlashMax $_", scope("SessionExtFlashMax $_"),
            'SessionExtFlashMax', (split / /)[1], '64 bytes to 8k'] }
        '32 63', '32 8193', '32 x'),
    (map { ["SessionExtEnv $_", scope("SessionExtEnv $_"), 'SessionExtEnv',
            (/(o\w+)/i)[0], 'alone'] } 'On cart', 'Off cart', 'cart off'));

SxTest::Refusal::refused($s,
    (map { ["SessionExtMaxPerUser 3 $_", scope("SessionExtMaxPerUser 3 $_"),
            'SessionExtMaxPerUser', "'$_'", 'evict-oldest and deny'] }
        'refuse', '4', 'deny-oldest'),
    (map { ["SessionExtBind kill $_", scope("SessionExtBind kill $_"),
            'SessionExtBind', "'$_'", 'ip/8 to ip/32'] }
        'ip', 'ip/', 'ip/7', 'ip/33', 'ip/-8', 'ip/x', 'ip24', 'log', 'cert'),
    ['a part twice', scope('SessionExtBind log ua UA'), 'SessionExtBind',
        "'UA'", 'there already'],
    ['a part with off', scope('SessionExtBind off tls'), 'SessionExtBind',
        "'tls'", 'off stands alone'],
    ['a list of sessions larger than a record',
        "ShmStore x size=1m max-record=16k\n" . scope("SessionExtStore shm:x\n"
        . "SessionExtMaxSize 4k\nSessionExtMaxPerUser 193"),
        'SessionExtMaxPerUser', '193', "'x'", 'at most 192']);

# A word too many, or too few, is told by httpd itself from our table.
SxTest::Refusal::refused($s,
    map { ["$_ with the wrong number of words", scope($_), (split / /)[0]] }
        'SessionExt', 'SessionExt On Off', 'SessionExt ""',
        'SessionExtIdleTimeout ""', 'SessionExtNamespace ""', 'SessionExtIdleTimeout 10 m',
        'SessionExtFlashMax 3', 'SessionExtMaxPerUser',
        'SessionExtMaxPerUser 3 deny 4', 'SessionExtStore', 'SessionExtUserKey ""',
        'SessionExtEnv', 'ShmStore', 'SessionExtKeyFile');

SxTest::Refusal::accepted($s,
    ['durations with each unit', scope("SessionExtIdleTimeout 5m\n"
        . "SessionExtIdleMax 1h\nSessionExtAbsoluteTimeout 3650d\n"
        . "SessionExtRenewInterval 0\nSessionExtRenewGrace 0\n"
        . 'SessionExtTouchInterval 0')],
    ['the smallest size', scope('SessionExtMaxSize 256')],
    ['both ends of FlashMax', scope("SessionExtFlashMax 1 64\n"
        . 'SessionExtFlashMax 32 8k')],
    ['both ends of MaxPerUser, and both policies',
        scope("SessionExtMaxPerUser 0\nSessionExtMaxPerUser 1000 deny\n"
        . 'SessionExtMaxPerUser 1 Evict-Oldest')],
    ['each mode of Bind and each part', scope("SessionExtBind off\n"
        . "SessionExtBind kill\nSessionExtBind LOG tls ip/8 UA\n"
        . 'SessionExtBind kill ip/32')],
    ['switches in any case', scope('SessionExtEncrypt oFF')],
    ['names of 64 bytes', scope('SessionExtNamespace ' . 'n' x 64)]);
SxTest::done();
