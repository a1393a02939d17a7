# SPDX-License-Identifier: Apache-2.0
# The tool on a directory of sessions, while the server uses it and after that:
# what it shows and ends, and what it says that it cannot do.
use SxTest;
use SxTest::Keys;
use File::Temp qw(tempdir);
use JSON::PP qw(decode_json);
use SxTest::Tool qw(tool segment_of);

my $s = SxTest::Server->new(scopes => 1);
my $dir = $s->root . '/sessions';
my $keys = $s->runtime_dir . '/keys';
my $store = "file:$dir";
SxTest::Keys::put($keys, SxTest::Keys::line(1));
$s->write_conf(<<"EOT")->start;
SessionExtKeyFile $keys
SessionExtNamespace shop
<Location "/f/">
    SessionExt On
    SessionExtStore $store
</Location>
EOT

sub visitor
{
    my ($command) = @_;
    my $b = $s->browser;
    $b->get('/f/cgi/app', h => ["Session-Set: $command"]);
    return ($b, $b->get('/f/cgi/app')->env('SESSION_HANDLE'));
}

sub status { return $_[0]->get('/f/cgi/app')->env('SESSION_STATUS') }

my ($anna, $anna_is) = visitor('cart=3');
my @bert = map { [visitor('user=bert')] } 1 .. 2;
my ($carl, $carl_is) = visitor('user=carl');

# --- looking ------------------------------------------------------------------
my ($status, $out, $err) = tool('--json', 'list', $store);
is($status, 0, 'list: done') or diag($err);
my %listed = map { $_->{handle} => $_ } @{ decode_json($out) };
is_deeply([sort keys %listed],
    [sort $anna_is, $carl_is, map { $_->[1] } @bert],
    'list shows what is in the directory');
is("$listed{$anna_is}{kind} $listed{$carl_is}{kind}", 'anonymous user',
    'and of which kind it is');
my $year = 1900 + (gmtime)[5];
like($listed{$anna_is}{created}, qr/^$year-/, 'and when it was made');
($status, $out) = tool('--json', 'show', $store, $carl_is);
is($status, 0, 'show: done');
is(decode_json($out)->{bytes}, $listed{$carl_is}{bytes}, 'shows the same');
is((tool('show', $store, '0123456789abcdef'))[0], 1, 'a handle of nobody');
($status, $out) = tool('--json', 'stats', $store);
is($status, 0, 'stats: done');
my $stats = decode_json($out);
is("$stats->{records} $stats->{users} $stats->{anonymous} $stats->{epochs}",
    '4 3 1 0', 'stats counts by kind');
is($stats->{namespaces}[0]{bytes}, $stats->{bytes_values},
    'and how much is whose');
like((tool('stats', $store))[1], qr/^users +3  of them sessions of a user$/m,
    'in words, too');

# --- ending -------------------------------------------------------------------
is((tool('destroy', $store, $anna_is))[0], 0, 'destroy: done');
is(status($anna), 'invalid', 'and the session has ended');
is((tool('destroy', $store, $anna_is))[0], 1, 'once');
my @of = ('--namespace', 'shop', '--keys', $keys);
($status, $out) = tool('--json', 'list', '--user', 'carl', @of, $store);
is_deeply([map { $_->{handle} } @{ decode_json($out) }], [$carl_is],
    'list --user knows a user');
($status, $out, $err) = tool('logout', $store, 'bert', @of);
is("$status $out", "0 logged out; sessions ended: 2\n", 'logout: done')
    or diag($err);
is(status($_->[0]), 'invalid', 'a session of that user has ended') for @bert;
is(status($carl), 'active', 'another has not');
is((tool('logout', $store, 'bert', @of))[0], 1, 'and then there is nobody');

# --- what a directory cannot do -----------------------------------------------
for my $row (['check'], ['snapshot', "$dir.snap", $keys],
    ['restore', "$dir.snap", $keys]) {
    my ($command, @more) = @$row;
    ($status, $out, $err) = tool($command, $store, @more);
    is($status, 2, "$command is not for a directory");
    like($err, qr/^htsession: \Q$store\E: $command: /, 'which is told');
}
# A process of the server sweeps, and goes on with it as long as it lives.
my $end = time + 20;
do {
    ($status, $out, $err) = tool('sweep', $store);
    select undef, undef, undef, 0.2 if !$status;
} while (!$status && time < $end);
is($status, 3, 'while the server sweeps nobody else does');
like($err, qr/another process sweeps/, 'and the tool says so');

# --- how stores are named -----------------------------------------------------
is((tool('list', 'shm:' . segment_of($s)))[0], 0, 'a segment by its kind');
is((tool('list', segment_of($s)))[0], 0, 'or without');
for my $row (['file:', 'names no place'], ["$store/none", 'No such file'],
    ["file:" . $s->runtime_dir, "0700|other files|uid"], ['frob:x', 'No such'],
    ["file:$keys", 'none']) {
    ($status, $out, $err) = tool('list', $row->[0]);
    is($status, 3, "'$row->[0]' is no store");
    like($err, qr/^htsession: .*(?:$row->[1])/, 'which is told');
}

# --- without a server ---------------------------------------------------------
$s->stop;
is(scalar(@{ decode_json((tool('--json', 'list', $store))[1]) }), 1,
    'after the server has stopped the tool still works');
($status, $out) = tool('--json', 'sweep', $store);
is("$status $out", "0 {\"freed\": 0}\n", 'sweep: done, and nothing was due');
$s->start;
is($carl->get('/f/cgi/app')->env('SESSION_USER'), 'carl',
    'and the server goes on with it');
SxTest::done();
