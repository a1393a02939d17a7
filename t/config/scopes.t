# SPDX-License-Identifier: Apache-2.0
# What only all lines together can tell: stores that are not there, limits
# that contradict each other, keys that two trust domains would share.
use SxTest;
use SxTest::Refusal;

my $s = SxTest::Server->new;
my $root = $s->root;
my $gid = (split ' ', $))[0];

for my $name (qw(a b)) {
    open my $out, '>', "$root/$name.keys" or die "$name.keys: $!\n";
    print $out "1:", ($name x 10) . 'AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=', "\n";
    close $out;
    chmod 0600, "$root/$name.keys";
}
system 'cp', '-p', "$root/a.keys", "$root/copy.keys";
symlink "$root/a.keys", "$root/link.keys";

sub scope
{
    my ($path, $lines) = @_;
    return "<Location /$path>\n$lines\n</Location>\n";
}

sub vhost
{
    my ($name, $lines) = @_;
    return "<VirtualHost *:1>\nServerName $name\n$lines\n</VirtualHost>\n";
}

my $OPEN = "ShmStore open size=1m group=$gid\nShmStore shut size=1m\n";

SxTest::Refusal::refused($s,
    ['an unknown store', scope('x', "SessionExt On\nSessionExtStore shm:nope"),
        'SessionExtStore', "'nope'", 'ShmStore'],
    ['an unknown store for a whole server', "SessionExt On\n"
        . 'SessionExtStore shm:nope', 'SessionExtStore', "'nope'"],
    ['an unknown store below a scope that is on',
        scope('', 'SessionExt On') . scope('x', 'SessionExtStore shm:nope'),
        'SessionExtStore', "'nope'"],
    ['an unknown store in a virtual host', vhost('v', "SessionExt On\n"
        . 'SessionExtStore shm:nope'), 'SessionExtStore', "'nope'"],
    ['IdleMax below IdleTimeout', scope('x', "SessionExt On\n"
        . "SessionExtIdleTimeout 20m\nSessionExtIdleMax 10m"),
        'SessionExtIdleMax', '600', 'SessionExtIdleTimeout', '1200'],
    ['AbsoluteTimeout below IdleTimeout', scope('x', "SessionExt On\n"
        . "SessionExtIdleTimeout 2h\nSessionExtAbsoluteTimeout 1h"),
        'SessionExtAbsoluteTimeout', '3600', 'SessionExtIdleTimeout', '7200'],
    ['MaxSize above the records of the store',
        "ShmStore sessions size=1m max-record=32k\n"
        . scope('x', 'SessionExt On'), 'SessionExtMaxSize', '65536',
        "'sessions'", 'max-record'],
    ['a persistent cookie with generated keys', scope('x', "SessionExt On\n"
        . 'SessionExtCookie persistent'), 'SessionExtCookie', 'persistent',
        'SessionExtKeyFile']);

SxTest::Refusal::refused($s,
    ['a store open to a group, with generated keys', $OPEN
        . scope('x', "SessionExt On\nSessionExtStore shm:open"),
        'ShmStore', "'open'", 'SessionExtKeyFile'],
    ['one key file for an open store and another one',
        "${OPEN}SessionExtKeyFile $root/a.keys\n"
        . scope('x', "SessionExt On\nSessionExtStore shm:open")
        . scope('y', "SessionExt On\nSessionExtStore shm:shut"),
        'SessionExtKeyFile', 'a.keys', "'open'", "'shut'"],
    (map { ["the same keys in $_ for another store",
        $OPEN . vhost('v', "SessionExtKeyFile $root/a.keys\n"
            . scope('x', "SessionExt On\nSessionExtStore shm:open"))
        . vhost('w', "SessionExtKeyFile $root/$_.keys symlink\n"
            . scope('x', "SessionExt On\nSessionExtStore shm:shut")),
        'SessionExtKeyFile', "'open'", "'shut'"] } qw(a copy link)),
    ['a virtual host that takes an open store into other keys',
        "${OPEN}SessionExtKeyFile $root/a.keys\n"
        . scope('x', "SessionExt On\nSessionExtStore shm:open")
        . vhost('v', "SessionExtStore shm:shut\nSessionExt On"),
        'SessionExtKeyFile', "'open'", "'shut'"],
    ['a virtual host that has an open store from the main server',
        "${OPEN}SessionExtKeyFile $root/a.keys\n"
        . scope('x', "SessionExt On\nSessionExtStore shm:open")
        . vhost('v', "SessionExtKeyFile $root/b.keys\n"
            . scope('y', "SessionExt On\nSessionExtStore shm:shut")),
        'SessionExtKeyFile', 'b.keys', "'open'", "'shut'"]);

SxTest::Refusal::accepted($s,
    ['an open store with keys of its own', $OPEN
        . vhost('v', "SessionExtKeyFile $root/a.keys\n"
            . scope('x', "SessionExt On\nSessionExtStore shm:open"))
        . vhost('w', "SessionExtKeyFile $root/b.keys\n"
            . scope('x', "SessionExt On\nSessionExtStore shm:shut"))],
    ['a persistent cookie with a key file', "SessionExtKeyFile $root/a.keys\n"
        . scope('x', "SessionExt On\nSessionExtCookie persistent")],
    ['times of which each is set in another scope', scope('', "SessionExt On\n"
        . 'SessionExtIdleTimeout 5m') . scope('x', "SessionExt On\n"
        . "SessionExtAbsoluteTimeout 20m\nSessionExtIdleMax 10m")],
    ['an unknown store where sessions are off', scope('x', "SessionExt Off\n"
        . 'SessionExtStore shm:nope')]);
SxTest::done();
