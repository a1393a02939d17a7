# SPDX-License-Identifier: Apache-2.0
# What can be seen of a store from outside: stats, the sessions of one user,
# the server's status page, and a benchmark that leaves the store alone.
use SxTest;
use File::Basename qw(dirname);
use File::Temp qw(tempdir);
use JSON::PP qw(decode_json);
use List::Util qw(sum0);
use SxTest::Tool qw(tool segment_of);

my $dir = tempdir('sxt-XXXXXX', TMPDIR => 1, CLEANUP => 1);
my $keys = "$dir/keys";
tool('keygen', $keys);
my $server = SxTest::Server->new(scopes => 1, conf => <<"EOT");
SessionExtKeyFile "$keys"
SessionExtNamespace shop
ExtendedStatus On
<Location "/server-status">
    SetHandler server-status
</Location>
EOT
$server->start;
my $file = segment_of($server);

sub visitor
{
    my ($command) = @_;
    my $b = $server->browser;
    $b->get('/s/cgi/app', h => ["Session-Set: $command"]);
    return ($b, $b->get('/s/cgi/app')->env('SESSION_HANDLE'));
}
my ($bert, $bert_is) = visitor('user=bert');
visitor('user=anna');
visitor('cart=1');
$bert->get('/s/cgi/app') for 1 .. 150;

# --- stats --------------------------------------------------------------------
my ($status, $out, $err) = tool('--json', 'stats', $file);
is($status, 0, 'stats: done');
my $s = decode_json($out);
is(sum0(map { $_->{pages} } @{ $s->{classes} }) + $s->{pages_free},
    $s->{pages}, 'pages in use and free ones are all');
is(sum0(map { $_->{bytes} } @{ $s->{namespaces} }) + $s->{namespaces_other},
    $s->{bytes_chunks}, 'the namespaces hold what there is');
is($s->{bytes_values} + $s->{bytes_heads} + $s->{bytes_wasted},
    $s->{bytes_chunks}, 'and it is known what of it is wasted');
cmp_ok($s->{cleanup_beat_ms}, '<', 5000, 'the cleanup thread lives');
is("$s->{cleanup_runs} $s->{cleanup_behind_ms} $s->{busy}", '1 0 0',
    'and is not behind');
my $gets = $s->{operations}{get};
ok($gets->{timed} >= 1 || $s->{hits} < 127 * 4, 'some operations are timed');
cmp_ok($gets->{p50_ns}, '<=', $gets->{max_ns}, 'and have quantiles');
($status, $out) = tool('stats', $file);
for my $title ('RECORDS', 'ROOM', 'SIZES IN USE', 'NAMESPACES',
    'WHAT HAPPENED, WHO WENT AND WHY', 'OPERATIONS', 'UPKEEP') {
    like($out, qr/^\Q$title\E/m, "for people it has a section $title");
}

# --- the sessions of a user ---------------------------------------------------
my @of = ('--namespace', 'shop', '--keys', $keys);
($status, $out) = tool('--json', 'list', '--user', 'bert', @of, $file);
is($status, 0, 'list --user: done');
is_deeply([map { $_->{handle} } @{ decode_json($out) }], [$bert_is],
    'it lists the sessions of that user and no other');
($status, $out, $err) = tool('list', '--user', 'carl', @of, $file);
is($status, 1, 'a user without a session is not found');
like($err, qr/no live session of that user/, 'which is told');
is((tool('list', '--user', 'bert', '--namespace', 'x', '--keys', $keys,
    $file))[0], 1, 'nor one in another namespace');
tool('keygen', "$dir/other");
is((tool('list', '--user', 'bert', '--namespace', 'shop', '--keys',
    "$dir/other", $file))[0], 1, 'nor by another key');
is((tool('list', '--user', 'bert', '--namespace', 'shop', '--keys',
    "$dir/none", $file))[0], 3, 'a key file that is not there is told');
($status, $out, $err) = tool('list', '--user', 'bert', $file);
is($status, 2, 'a user without a namespace and keys is wrong usage');
like($err, qr/^usage: /m, 'and is told what is right');

# --- the status page ----------------------------------------------------------
my $page = $server->browser->get('/server-status?auto')->body;
for my $name (qw(bytes_free bytes_wasted evicted_user refused_room busy
    get_p99_ns put_p99_ns cleanup_behind_ms)) {
    like($page, qr/^ShmStore-sessions-$name: \d+$/m,
        "the status page has $name");
}

# --- bench --------------------------------------------------------------------
# Times are told by the clock on the wall, which may be set meanwhile.
sub listed
{
    return join ' ', map { "$_->{handle}=$_->{kind},$_->{bytes}" }
        @{ decode_json((tool('--json', 'list', $file))[1]) };
}
my $before = listed();
my $beside = join ' ', sort glob dirname($file) . '/*';
($status, $out) = tool('--json', 'bench', '--size', '2m', $file);
is($status, 0, 'bench: done');
my $bench = decode_json($out);
is($bench->{size}, 2 << 20, 'of the size that was asked for');
is(scalar(grep { $_->{one} > 1000 && $_->{two} > 1000 && $_->{ratio} > 0 }
    @{ $bench->{runs} }), 3, 'three kinds of load, with rates and ratios');
for my $run (@{ $bench->{runs} }) {
    for my $of (qw(one two)) {
        my ($p50, $p99, $max) = map { $run->{"${of}_${_}_ns"} } qw(p50 p99 max);
        ok(0 < $p50 && $p50 < $p99 && $p99 <= $max,
            "$run->{what}, $of: quantiles in order ($p50 $p99 $max ns)");
        # Half of a process's time is spent in operations that are no faster.
        my $processes = $of eq 'one' ? 1 : 2;
        cmp_ok($run->{$of} * $p50 / 2, '<=', 1.1e9 * $processes,
            'that fit the rate');
    }
}
($status, $out) = tool('bench', '--size', '2m', $file);
like($out, qr/^ +one +p50 ns +p99 ns +max ns +two +p50 ns +p99 ns +max ns +ratio$/m,
    'for people it has a column for each');
like($out, qr/^\Q$_\E( +\d+){8} +\d\.\d\d$/m, "and a row for $_")
    for qw(get put 90:10);
is(join(' ', sort glob dirname($file) . '/*'), $beside,
    'nothing is left beside the store');
is(listed(), $before, 'which is as it was');
is((tool('check', $file))[0], 0, 'and sound');
is((tool('bench', '--size', $_, $file))[0], 2, "'$_' is no size")
    for '7', '1x', '-4m', '99999g', '';
is((tool('bench', "$dir/nothing"))[0], 3, 'beside nothing it cannot be done');
is((tool('bench', '--size'))[0], 2, 'an option without its value is wrong');
SxTest::done();
