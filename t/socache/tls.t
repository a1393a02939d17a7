# SPDX-License-Identifier: Apache-2.0
# SSLSessionCache shm_store: a TLS session that one process began is resumed by
# any other, also when the first was killed, after a graceful restart and after
# a stop and start. The status page tells of it.
use SxTest;

plan(skip_all => 'needs mod_ssl and openssl')
    unless SxTest::has('mod_ssl') && SxTest::has('openssl');
my $port = SxTest::Paths::free_port();
my $s = SxTest::Server->new(more => ['ssl'], conf => <<"CONF");
SSLSessionCache shm_store
# Made for a provider that needs one, and this one cannot be made.
Mutex "file:\${SX_RUN}/nolocks" ssl-cache
Listen 127.0.0.1:$port https
<VirtualHost *:$port>
    ServerName localhost
    SSLEngine On
    SSLProtocol TLSv1.2
    SSLSessionTickets off
    SSLCertificateFile run/cert.pem
    SSLCertificateKeyFile run/key.pem
</VirtualHost>
CONF
my $dir = $s->runtime_dir;
mkdir "$dir/nolocks" or die "$dir: $!\n";
chmod 0555, "$dir/nolocks";
is(system('openssl req -x509 -newkey rsa:2048 -nodes -days 2'
    . ' -subj /CN=localhost'
    . " -keyout $dir/key.pem -out $dir/cert.pem >$dir/said 2>&1"), 0,
    'a certificate is made');
$s->start;

# A new connection, with the session in a file: is it resumed, and by whom?
sub connect_with
{
    my ($how) = @_;
    my $said = qx(printf 'GET /x/static/1k.txt HTTP/1.0\\r\\n\\r\\n' |
        timeout 20 openssl s_client -connect localhost:$port -tls1_2 -ign_eof \\
        $how 2>&1);
    my ($kind) = $said =~ /^(New|Reused), TLSv1\.2/m;
    my ($pid) = _last_line($s->root . '/logs/access_log') =~ /\] (\d+) "/;
    diag($said) unless $kind && $said =~ /HTTP\/1\.1 200/;
    return ($kind // 'none', $pid // 0);
}

sub _last_line
{
    my ($file) = @_;
    my $text = SxTest::Log::since($file, 0);
    return (split /\n/, $text)[-1] // '';
}

my $session = "$dir/session.pem";
my ($kind, $first) = connect_with("-sess_out $session");
is($kind, 'New', 'the first connection begins a session');

my %by;
for (1 .. 30) {
    ($kind, my $pid) = connect_with("-sess_in $session");
    $by{"$kind by " . ($pid == $first ? 'the first' : 'another')}++;
    last if $by{'Reused by another'};
}
is(join(' ', grep { !/^Reused/ } keys %by), '', 'each later one resumes it');

kill KILL => $first;
($kind, my $pid) = connect_with("-sess_in $session");
is($kind, 'Reused', 'also when the process that began it is dead');
isnt($pid, $first, 'of course by another process');

my $status = $s->browser->get('/server-status?auto')->body;
like($status, qr/^TLSSessionCacheStatus\nCacheType:[ ]SHM_STORE\n
    CacheAvailable:[ ]1\nCacheSharedMemory:[ ]8388608\n
    CacheCurrentEntries:[ ]1\n/mx, 'the status page for programs tells');
my ($hits) = $status =~ /^CacheRetrieveHitCount: (\d+)$/m;
cmp_ok($hits, '>=', 2, 'and counts');
like($s->browser->get('/server-status')->body,
    qr{cache type: <b>SHM_STORE</b><br>\n.*current entries: <b>1</b><br>}s,
    'and so does the one for people');

$s->graceful;
($kind) = connect_with("-sess_in $session");
is($kind, 'Reused', 'after a graceful restart');
$s->stop;
$s->start;
($kind) = connect_with("-sess_in $session");
is($kind, 'Reused', 'and after a stop and start');

my @stat = stat "$dir/session_ext-socache-mod_ssl-sess.shm";
is($stat[2] & 07777, 0600, 'its file is closed to others');
$s->write_conf($s->{conf} =~ s/shm_store/shm_store:other.shm(2m)/r);
$s->graceful;
($kind) = connect_with("-sess_in $session");
is($kind, 'New', 'in another file there is no such session');
is(-s "$dir/other.shm", 2 * 2**20, 'which is as large as it was said');
SxTest::done();
