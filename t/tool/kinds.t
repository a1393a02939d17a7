# SPDX-License-Identifier: Apache-2.0
# The tool on each kind of store: sessions go from shared memory by Redis and
# SQLite to a directory, and are used there.  databases.t has PostgreSQL and
# MariaDB.
use SxTest;
use SxTest::Daemon;
use SxTest::File qw(spew);
use SxTest::Keys;
use JSON::PP qw(decode_json);
use SxTest::Tool qw(tool tool_fed segment_of);

my $s = SxTest::Server->new;
my $root = $s->root;
my $dir = "$root/sessions";

my $word = 'sesame' . $$;
my $redis_dir = "$root/redis";
mkdir $redis_dir or die "$redis_dir: $!\n";
SxTest::Daemon->start(name => 'redis', dir => $redis_dir,
    socket => "$redis_dir/socket",
    command => ['redis-server', '--port', '0', '--unixsocket',
        "$redis_dir/socket", '--save', '', '--dir', $redis_dir,
        '--requirepass', $word]);
my $password = spew("$root/password", "$word\n", 0600);
my $redis = "redis:unix:$redis_dir/socket?password-file=$password";
my $sqlite = "dbd:moved:sqlite3:@" . spew("$root/params", "$root/db\n", 0600);

SxTest::Keys::put($s->runtime_dir . '/keys', SxTest::Keys::line(1));
sub scope
{
    my ($path, $store) = @_;
    return "<Location /$path/>\nSessionExt On\nSessionExtStore $store\n"
        . "</Location>\n";
}
$s->write_conf("SessionExtKeyFile run/keys\n" . scope('s', 'shm')
    . scope('r', $redis) . scope('f', "file:$dir"))->start;
my $shm = segment_of($s);

sub visitor
{
    my ($command) = @_;
    my $b = $s->browser;
    $b->get('/s/cgi/app', h => ["Session-Set: $command"]);
    return $b;
}

my ($anna, $guest, $gone) = map { visitor($_) } 'user=anna', 'cart=3', 'n=1';
visitor('user=carl')->get('/s/cgi/app', h => ['Session-Logout: all']);
my $handle = $gone->get('/s/cgi/app')->env('SESSION_HANDLE');
my ($status, $out, $err, $seen);
my $from = $shm;
for my $to ($redis, $sqlite, "file:$dir") {
    my $kind = $to =~ /^(\w+)/ ? $1 : '';
    ($status, $out, $err) = tool('--json', 'copy', $from, $to);
    is("$status $err", '0 ', "to $kind: copied");
    my $done = decode_json($out || '{}');
    $seen //= $done->{seen};
    is("$done->{seen} $done->{carried}", "$seen $seen", 'all of it');
    ($status, $out, $err) = tool('--json', 'copy', $from, $to);
    $done = decode_json($out || '{}');
    is("$status $done->{carried} $done->{replaced}", '0 0 0', 'once');
    ($status, $out) = tool('--json', 'list', $to);
    is(scalar @{ decode_json($out) }, $kind eq 'redis' ? 3 : 2,
        "list: what is there, in $kind");
    is((tool('--json', 'stats', $to))[0], 0, 'stats: done');
    ($status, $out, $err) = tool('dump', $to);
    is(scalar(() = $out =~ /^\{"key"/mg), $seen, 'dump: all of it');
    is((tool_fed($out, 'load', '--force', $to))[0], 0, 'load: done');
    is((tool('check', $to))[0], 2, 'check: not for this one');
    if ($kind eq 'redis') {
        is($anna->get('/r/cgi/app')->env('SESSION_USER'), 'anna',
            'who was logged in is, in Redis');
        is((tool('show', $to, $handle))[0], 0, 'show: done');
        is((tool('destroy', $to, $handle))[0], 0, 'destroy: done');
        ($status, $out, $err) = tool('copy', $from, $to);
        like($out, qr/^over_there +1 /m, 'and it does not come back');
        is((tool('show', $to, $handle))[0], 1, 'as is seen');
        $seen--;
    }
    ($status, $out, $err) = tool('sweep', $to);
    ok($status == 0 || $err =~ /sweep/, "sweep: done, or told why not");
    $from = $to;
}
is($anna->get('/f/cgi/app')->env('SESSION_USER'), 'anna',
    'who was logged in is, at the end of the way');
is($guest->get('/f/cgi/app')->env('SESSION_VAR_cart'), '3',
    'a guest has the cart');
is($gone->get('/f/cgi/app')->env('SESSION_STATUS'), 'invalid',
    'who was ended on the way has ended');

# --- what is secret, and what is wrong ----------------------------------------
for my $row (["redis://:$word\@127.0.0.1:1/0", 'redis'],
    ["dbd::pgsql:host=/none password=$word", 'dbd'],
    ["dbd:pgsql:host=/none password=$word:x", 'accepted is dbd:'],
    ["dbd:$word", 'accepted is dbd:'],
    ["dbd::sqlite3:\@$root/none", 'No such file'],
    ['redis:unix:/none', 'unix:/none: nobody'], ['redis:gopher://x', 'accepted is redis:']) {
    my ($store, $re) = @$row;
    ($status, $out, $err) = tool('list', $store);
    is($status, 3, 'what cannot be reached is told')
        or diag($store =~ s/\Q$word\E/WORD/r);
    like($err, qr/^htsession: .*$re/, 'and what it is');
    unlike($err, qr/\Q$word\E/, 'without anything secret');
}
chmod 0644, "$root/params";
($status, $out, $err) = tool('list', $sqlite);
is($status, 3, 'parameters that others may read');
like($err, qr/only its owner/, 'are refused');
SxTest::done();
