# SPDX-License-Identifier: Apache-2.0
# secure=auto over real TLS: a Secure cookie with the __Host- prefix there, a
# plain one beside it on the same server; neither is taken for the other.
use SxTest;

plan(skip_all => 'needs mod_ssl, openssl and curl')
    unless SxTest::has('mod_ssl') && SxTest::has('openssl')
    && SxTest::has('curl');
my $port = SxTest::Paths::free_port();
my $server =
    SxTest::Server->new(scopes => 1, more => ['ssl'], conf => <<"EOF2");
Listen 127.0.0.1:$port https
<VirtualHost *:$port>
    ServerName localhost
    SSLEngine On
    SSLCertificateFile run/cert.pem
    SSLCertificateKeyFile run/key.pem
    <Location "/off_secure/">
        SessionExt On
        SessionExtCookie name=plain secure=off
    </Location>
</VirtualHost>
EOF2
my $dir = $server->runtime_dir;
is(system('openssl req -x509 -newkey rsa:2048 -nodes -days 2'
    . ' -subj /CN=localhost'
    . " -keyout $dir/key.pem -out $dir/cert.pem >$dir/said 2>&1"), 0,
    'a certificate is made');
$server->start;

sub tls
{
    my ($path, $cookie) = @_;
    my $with = defined $cookie ? "-H 'Cookie: $cookie'" : '';
    return scalar qx(curl -s -k -i -m 10 $with 'https://localhost:$port$path');
}

my $set = '?h=Session-Set:+user=alice';
my $text = tls("/s/cgi/app$set");
my ($id) = $text =~ m{^Set-Cookie:[ ]__Host-sid=(\S{48});[ ]Path=/;[ ]Secure;
    [ ]HttpOnly;[ ]SameSite=Lax\r$}xmi;
ok($id, 'over TLS the cookie is __Host-sid and Secure');
like(tls('/s/cgi/app', "__Host-sid=$id"), qr/^SESSION_USER=alice$/m,
    'it comes back');
like(tls('/s/cgi/app', "sid=$id"), qr/^SESSION_STATUS=none$/m,
    'under its own name only');
like(tls("/off_secure/cgi/app$set"),
    qr/^Set-Cookie: plain=\S{48}; Path=\/; HttpOnly;/mi,
    'secure=off holds over TLS');

my $b = $server->browser;
my $r = $b->get('/s/cgi/app', h => ['Session-Set: user=bob']);
like($r->header('Set-Cookie'),
    qr/^sid=\S{48}; Path=\/; HttpOnly; SameSite=Lax$/,
    'without TLS it is neither');
like(tls('/s/cgi/app', 'sid=' . $b->cookie('sid')), qr/^SESSION_STATUS=none$/m,
    'and a cookie that travelled in clear is not taken over TLS');
like(tls('/s/cgi/app', '__Host-sid=' . $b->cookie('sid')),
    qr/^SESSION_STATUS=invalid$/m, 'whatever name it is given');
SxTest::done();
