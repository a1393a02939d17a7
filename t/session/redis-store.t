# SPDX-License-Identifier: Apache-2.0
# SessionExtStore redis:URL: apps notice nothing of it; servers on one Redis, here
# one by a socket and one by TLS, are one; what was confirmed outlives the death of either; and without Redis there is
# no answer, which is no miss, until it is back.
use SxTest;
use SxTest::Keys;
use SxTest::Paths;
use SxTest::Redis;
use Time::HiRes qw(sleep time);

my $PASSWORD = 'not in any log';
my $KEY = SxTest::Keys::line(1);
my @servers = map { SxTest::Server->new(scopes => 1, php => 1) } 1, 2;
my $dir = $servers[0]->root;
is(system('openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes'
    . ' -days 2 -subj /CN=redis -addext subjectAltName=IP:127.0.0.1'
    . " -keyout $dir/redis.key -out $dir/redis.pem >$dir/said 2>&1"), 0,
    'a certificate is made');
chmod 0644, "$dir/redis.key";
my $tls_port = SxTest::Paths::free_port();
my $redis = SxTest::Redis->new(requirepass => $PASSWORD,
    'tls-port' => $tls_port, 'tls-cert-file' => "$dir/redis.pem",
    'tls-key-file' => "$dir/redis.key", 'tls-ca-cert-file' => "$dir/redis.pem",
    'tls-auth-clients' => 'no')->start;
my $APP = '/kept/cgi/app';
my $STRICT = '/strict/cgi/app';
my $PHP = SxTest::php() ? '/kept/php/app.php' : $APP;

for my $s (@servers) {
    my $url = $s == $servers[0]
        ? 'redis:unix:' . $redis->socket . '?password-file='
        : "rediss://127.0.0.1:$tls_port?ca-file=$dir/redis.pem&password-file=";
    my $file = $s->runtime_dir . '/redis.password';
    SxTest::Keys::put($file, "$PASSWORD\n");
    SxTest::Keys::put($s->runtime_dir . '/keys', $KEY);
    $s->write_conf(<<"EOF2");
SessionExtKeyFile run/keys
ExtendedStatus On
<Location "/server-status">
    SetHandler server-status
</Location>
<Location "/kept/">
    SessionExt On
    SessionExtNamespace shop
    SessionExtStore $url$file
</Location>
<Location "/strict/">
    SessionExt On
    SessionExtNamespace shop
    SessionExtStore $url$file
    SessionExtOnStoreError 503
</Location>
EOF2
    $s->start;
}
my ($one, $two) = @servers;

# The same visitor at the other server.
sub at_other
{
    my ($b, $server) = @_;
    my $other = $server->browser;
    $other->set_cookie('sid', $b->cookie('sid'));
    return $other;
}
sub status { return $_[0]->get($APP)->env('SESSION_STATUS') }

# What is answered in the end: each process finds out for itself that Redis is
# there, and a machine that has much to do may miss a deadline.
sub answered
{
    my ($own, @options) = @_;
    my $end = time + 20;
    my $answer;
    do {
        sleep 0.1 if $answer;
        $answer = $own->get($STRICT, @options);
    } while ($answer->status == 503 && time < $end);
    return $answer;
}
sub state_of { return answered($_[0])->env('SESSION_STATUS') }
sub records { return $redis->cli('DBSIZE') - 1 }

# ---- a life ------------------------------------------------------------------

my $b = $one->browser;
is(state_of($b), 'none', 'at first there is no session');
is(records(), 0, 'and reading makes no record');
answered($b, h => ['Session-Set: role=staff&n=0&user=alice',
    'Session-Flash: info=Welcome'], status => 302);
my $r = $b->get($PHP);
is($r->env('SESSION_VAR_role'), 'staff', 'one app writes, another reads');
is($r->env('FLASH_info'), 'Welcome', 'a message is shown');
is($b->get($PHP)->env('FLASH_COUNT') // 0, 0, 'once');
my $b2 = at_other($b, $two);
is(answered($b2)->env('SESSION_VAR_role'), 'staff', 'another server has it, too');
my $dump = join ' ', map { $redis->cli('GET', $_) } $redis->cli('--scan') =~ /(\S+)/g;
my $id = $b->cookie('sid');
ok($dump !~ /staff|alice|\Q$id\E/ && $redis->cli('--scan') !~ /\Q$id\E/,
    'Redis sees neither an id nor a value');

# Ten of each: how often there was no answer to one of them.
my @failed = SxTest::parallel(8, sub {
    my $own = $_[0] % 2 ? $b->clone : $b2->clone;
    my ($done, $failed, $end) = (0, 0, time + 60);
    while ($done < 10 && time < $end) {
        my $status = $own->get($STRICT, h => ['Session-Incr: n=1'])->status;
        $status == 200 ? $done++ : $failed++;
    }
    return $failed;
});
my $failed = 0;
$failed += $_ for @failed;
my $n = answered($b)->env('SESSION_VAR_n');
ok($n >= 80 && $n <= 80 + $failed,
    "80 increments by both servers are confirmed, and none is lost: $n");

# ---- ends --------------------------------------------------------------------

my $ended = $one->browser;
answered($ended, h => ['Session-Set: user=bert']);
my $late = at_other($ended, $two);
my $writer = $late->start($APP, wait => 'door', h => ['Session-Set: a=1']);
SxTest::reached('door');
answered($ended, h => ['Session-Destroy: on']);
SxTest::release('door');
is($writer->finish->status, 200, 'a writer that comes too late is answered');
is(state_of($late), 'invalid', 'and does not bring back what was destroyed');
my @carl = map { $_->browser } $one, $two, $one;
answered($_, h => ['Session-Set: user=carl']) for @carl;
$writer = $carl[1]->start($APP, wait => 'gate', h => ['Session-Set: a=1']);
SxTest::reached('gate');
answered($carl[0], h => ['Session-Logout: others']);
SxTest::release('gate');
$writer->finish;
is(join(' ', map { state_of($_) } @carl), 'active invalid invalid',
    'a logout ends the sessions of its user on each server at once');

# ---- Redis goes and comes ----------------------------------------------------

$redis->kill;
my $mark = $one->log_mark;
my $began = time;
$r = $b->get($APP);
cmp_ok(time - $began, '<', 1, 'without Redis a request does not wait for it');
is($r->env('SESSION_STATUS'), 'unavailable', 'which is no miss');
is($r->header('Set-Cookie'), undef, 'and no cookie is touched');
is($b->get($APP, h => ['Session-Destroy: on'])->status, 503,
    'an end that cannot be done is no success');
like($one->error_log_since($mark), qr/the store at unix:\S+: /,
    'the log says where');
$b = at_other($b2, $one);
sleep 1;
$redis->start;
$began = time;
sleep 0.1 while status($b) ne 'active' && time - $began < 20;
cmp_ok(time - $began, '<', 5, 'when it is back, so are sessions, by themselves');
is(answered($b)->env('SESSION_VAR_n'), $n, 'with all that was confirmed');
is(join(' ', map { state_of($_) } @carl),
    'active invalid invalid', 'and nobody who was ended');

# Clients that count what was confirmed, while Redis is killed under them.
sub client
{
    my ($no) = @_;
    my $own = ($no % 2 ? $one : $two)->browser;
    my ($sure, $maybe, $end) = (0, 0, time + 2.5);
    while (time < $end) {
        my $answer = $own->get($STRICT, h => ['Session-Incr: n=1'],
            timeout => 5);
        my $done = $answer->status == 200;
        $sure += $done;
        $maybe += !$done;
        sleep 0.05 unless $done;
    }
    return { sure => $sure, maybe => $maybe, cookie => $own->cookie('sid') };
}

my (undef, @clients) = SxTest::parallel(5, sub {
    return client($_[0]) if $_[0];
    sleep 0.8;
    return kill KILL => $redis->pid;
});
$redis->stop;
$redis->start;
my $sure = 0;
my @wrong;
for my $c (@clients) {
    my $own = $one->browser;
    $own->set_cookie('sid', $c->{cookie});
    my $has = answered($own)->env('SESSION_VAR_n') // 'nothing';
    $sure += $c->{sure};
    push @wrong, "$has of $c->{sure} and $c->{maybe}" if $has eq 'nothing'
        || $has < $c->{sure} || $has > $c->{sure} + $c->{maybe};
}
cmp_ok($sure, '>', 3, 'Redis was killed at work');
is("@wrong", '', 'and nothing that was confirmed is lost, nothing done twice');

# ---- the server goes and comes -----------------------------------------------

$one->graceful;
is(answered($b)->env('SESSION_VAR_n'), $n, 'a graceful restart loses nothing');
$one->stop;
$one->start;
is(answered($b)->env('SESSION_VAR_n'), $n, 'nor does stop and start');
my $figures = $one->browser->get('/server-status?auto')->body;
like($figures, qr/^SessionExtStore-redis:unix:\S+-opened: \d+$/m,
    'the status page has its figures');
unlike(join('', map { $_->error_log } @servers) . $figures, qr/\Q$PASSWORD\E/,
    'nobody tells the password');
SxTest::done();
