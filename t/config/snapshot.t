# SPDX-License-Identifier: Apache-2.0
# snapshot= of ShmStore: where the file may be, and whose keys seal it.
use SxTest;
use SxTest::Refusal;
use SxTest::Tool qw(tool);

my $s = SxTest::Server->new;
my $user = (getpwnam $s->{user})[2];
my $root = $s->root;
my $keys = "$root/keys";
my $OK = "ShmStore sessions size=1m snapshot=$root/var/snap";
my $ON = "<Location /s/>\nSessionExt On\n</Location>";
my $KEYS = "SessionExtKeyFile $keys";

sub directory
{
    my ($name, $mode, $owner) = @_;
    mkdir "$root/$name" or die "$root/$name: $!\n";
    chown $owner // $user, -1, "$root/$name" if !$>;
    chmod $mode, "$root/$name";
    return;
}
tool('keygen', $keys);
directory('var',  0700);
directory('open', 0777);
directory('shut', 0500);
directory('root', 0755, 0);

SxTest::Refusal::refused($s,
    ['without a key file', "$OK\n$ON", 'ShmStore', "'sessions'", 'snapshot',
        'SessionExtKeyFile'],
    ['without one and without a scope', $OK, 'ShmStore', "'sessions'",
        'SessionExtKeyFile'],
    (map {
        my ($first, $second) = @$_;
        ["a virtual host that uses it without a key file, beside '$first'",
            "$OK\n<VirtualHost *:1>\nServerName a\n$first\n$ON\n"
            . "</VirtualHost>\n<VirtualHost *:1>\nServerName b\n$second\n"
            . "$ON\n</VirtualHost>", 'ShmStore', 'SessionExtKeyFile']
    } [$KEYS, ''], ['', $KEYS]),
    ['a directory that is not there',
        "ShmStore sessions size=1m snapshot=$root/no/snap\n$KEYS\n$ON",
        'ShmStore', "'sessions'", "$root/no/snap", 'directory'],
    ['a directory that others may write to',
        "ShmStore sessions size=1m snapshot=$root/open/snap\n$KEYS\n$ON",
        'ShmStore', "$root/open/snap", 'writable to others'],
    ['one that the User may not write to',
        "ShmStore sessions size=1m snapshot=$root/shut/snap\n$KEYS\n$ON",
        'ShmStore', "$root/shut/snap", 'not writable', "uid $user"],
    ($> ? () : ['one of root', 'ShmStore sessions size=1m '
        . "snapshot=$root/root/snap\n$KEYS\n$ON", 'ShmStore',
        "$root/root/snap", 'not writable']),
    ["the store's own file",
        "ShmStore sessions size=1m file=$root/var/x snapshot=$root/var/x\n"
        . "$KEYS\n$ON", 'ShmStore', "$root/var/x", 'own file'],
    ['one file for two', "ShmStore a size=1m snapshot=$root/var/snap\n"
        . "ShmStore b size=1m snapshot=$root/var/snap\n$KEYS", 'ShmStore',
        "'a'", "'b'", "$root/var/snap"]);
SxTest::Refusal::accepted($s,
    ['a key file for all that use it', "$OK\n$KEYS\n$ON"],
    ['an interval', "$OK,1h\n$KEYS\n$ON"],
    ['the shortest one', "$OK,10s\n$KEYS\n$ON"],
    ['a path below ServerRoot',
        "ShmStore sessions size=1m snapshot=var/snap\n$KEYS\n$ON"],
    ['a key file of each host that uses it',
        "$OK\n<VirtualHost *:1>\nServerName a\n$KEYS\n$ON\n</VirtualHost>"]);

# --- at a graceful restart -----------------------------------------------------
$s->write_conf("$OK\n$KEYS\n$ON");
$s->start;
my $b = $s->browser;
$b->get('/s/cgi/app', h => ['Session-Set: a=1']);
my $mark = $s->log_mark;
$s->write_conf("ShmStore sessions size=1m snapshot=$root/var/other\n"
    . "$KEYS\n$ON");
$s->graceful;
is($b->get('/s/cgi/app')->env('SESSION_VAR_a'), '1', 'a graceful restart');
like($s->error_log_since($mark),
    qr/ShmStore 'sessions'.*snapshot= counts from the next start/,
    'says when another file is taken');
$s->stop;
ok(-s "$root/var/snap" && !-e "$root/var/other",
    'until then the old one is kept');
$s->start;
$s->stop;
ok(-s "$root/var/other", 'and then the new one');
SxTest::done();
