# SPDX-License-Identifier: Apache-2.0
# SSLStaplingCache shm_store: what an OCSP responder has said once is stapled by
# all processes, also when it is gone, after a graceful restart and after a stop
# and start.
use SxTest;
use SxTest::Daemon;
use SxTest::File qw(spew);

plan(skip_all => 'needs mod_ssl and openssl')
    unless SxTest::has('mod_ssl') && SxTest::has('openssl');
my ($port, $ocsp) = map { SxTest::Paths::free_port() } 1 .. 2;
my $s = SxTest::Server->new(more => ['ssl'], conf => <<"CONF");
SSLStaplingCache shm_store
SSLStaplingReturnResponderErrors off
SSLStaplingFakeTryLater off
Listen 127.0.0.1:$port https
<VirtualHost *:$port>
    ServerName localhost
    SSLEngine On
    SSLUseStapling On
    SSLCertificateFile run/chain.pem
    SSLCertificateKeyFile run/key.pem
</VirtualHost>
CONF
my $dir = $s->runtime_dir;

# A CA, a certificate that names a responder, and what the CA knows of it.
sub make_certificates
{
    spew("$dir/ext", "authorityInfoAccess=OCSP;URI:http://127.0.0.1:$ocsp/\n");
    spew("$dir/index", "V\t490101000000Z\t\t01\tunknown\t/CN=localhost\n");
    my $key = '-newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes';
    return system("cd $dir && {
        openssl req -x509 $key -days 2 -subj /CN=ca -keyout ca.key -out ca.pem &&
        openssl req $key -subj /CN=localhost -keyout key.pem -out req &&
        openssl x509 -req -in req -CA ca.pem -CAkey ca.key -set_serial 1 \\
            -days 2 -extfile ext -out cert.pem &&
        cat cert.pem ca.pem >chain.pem; } >said 2>&1") == 0;
}

# "successful", or what else a new connection is told of the certificate.
sub stapled
{
    my $said = qx(timeout 20 openssl s_client -connect localhost:$port -status \\
        </dev/null 2>&1);
    return $1 if $said =~ /OCSP Response Status: (\w+)/;
    return $said =~ /OCSP response: no response sent/ ? 'nothing' : $said;
}

ok(make_certificates(), 'there is a certificate') or diag(qx(cat $dir/said));
$s->start;
is(stapled(), 'nothing', 'without a responder nothing is stapled');
$s->stop;
unlink "$dir/session_ext-socache-mod_ssl-staple.shm";
my $responder = SxTest::Daemon->start(name => 'ocsp', port => $ocsp, log => "$dir/asked",
    says => qr/waiting for OCSP client/, command => ['openssl', 'ocsp', '-port', 'PORT', '-nmin', 60,
        map { /^-/ ? $_ : "$dir/$_" }
        qw(-index index -CA ca.pem -rsigner ca.pem -rkey ca.key)]);
$s->start;
is(stapled(), 'successful', 'what it says is stapled');
is(stapled(), 'successful', 'again') for 1 .. 9;
my $asked = () = SxTest::Log::since("$dir/asked", 0) =~ /Received request/g;
is($asked, 1, 'and it was asked once, by one process for all');
$responder->stop;
is(stapled(), 'successful', 'without it, too') for 1 .. 5;
$s->graceful;
is(stapled(), 'successful', 'after a graceful restart');
$s->stop;
$s->start;
is(stapled(), 'successful', 'and after a stop and start');
my @stat = stat "$dir/session_ext-socache-mod_ssl-staple.shm";
is($stat[2] & 07777, 0600, 'its file is closed to others');
SxTest::done();
