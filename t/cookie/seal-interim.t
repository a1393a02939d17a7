# SPDX-License-Identifier: Apache-2.0
# What is to be sealed leaves in no other way: not in the 1xx of a backend,
# whose other cookies stay, not in its trailers, and not as the echo of TRACE.
use SxTest;
use SxTest::Keys;

use SxTest::Backend;

my $LONG = 'n' x 80;
my @COOKIES = ("Set-Cookie: theme=secret; Path=/", "set-cookie:theme=secret",
    "Set-Cookie:  \ttheme = secret", "Set-Cookie: =theme=secret",
    "SET-COOKIE : theme=secret", "Set-Cookie: $LONG=secret",
    "Set-Cookie: other=1; x=theme=2", "Set-Cookie: Theme=3",
    "Set-Cookie: word", "Set-Cookie: ; theme=4", "Set-Cookie:",
    "Set-Cookie: themes=5", "Set-Cookie: ==theme=6",
    'Set-Cookie: ' . 'm' x 80 . '=7');

sub answer
{
    my ($client, $head) = @_;
    my $cookies = join '', map { "$_\r\n" } @COOKIES;
    if ($head =~ m{^\S+ /tunnel}) {
        print $client "HTTP/1.1 101 Switching Protocols\r\n${cookies}"
            . "Upgrade: websocket\r\nConnection: Upgrade\r\n\r\n"
            . "Set-Cookie: theme=tunnel\r\n";
        return;
    }
    print $client "HTTP/1.1 103 Early Hints\r\nX-First: 1\r\n${cookies}"
        . "X-Last: 1\r\n\r\nHTTP/1.1 200 OK\r\nSet-Cookie: theme=secret\r\n"
        . "Set-Cookie: last=1\r\nTransfer-Encoding: chunked\r\n\r\n"
        . "5\r\nhello\r\n0\r\nSet-Cookie: theme=secret\r\n"
        . "Set-Cookie: other=8\r\nX-Sum: 42\r\n\r\n";
    return;
}

my $to = SxTest::Backend::start(\&answer);

my $server = SxTest::Server->new;
my $file = $server->root . '/keys';
SxTest::Keys::put($file, SxTest::Keys::line(1));
$server->write_conf(<<"EOF2")->start;
SessionExtKeyFile $file
LogFormat "%U %{Set-Cookie}^to" trailers
CustomLog "\${SX_LOGS}/trailers_log" trailers
<Location "/b/">
    SessionExtSeal theme encrypt
    SessionExtSeal $LONG encrypt
    ProxyPass "$to/" disablereuse=On upgrade=websocket
</Location>
<Location "/free/">
    ProxyPass "$to/" disablereuse=On
</Location>
<Location "/enc/">
    SessionExtSeal theme encrypt
</Location>
<Location "/traced/">
    SessionExtSeal theme encrypt
    ProxyPass "http://127.0.0.1:\${SX_PORT}/none/" disablereuse=On
</Location>
EOF2

sub ask
{
    my ($path, $head) = @_;
    return SxTest::raw("GET $path HTTP/1.1\r\nHost: localhost\r\n"
        . ($head // "Connection: close\r\nTE: trailers\r\n") . "\r\n",
        port => $server->port, timeout => 5, half_close => 1);
}

my $got = ask('/b/');
unlike($got, qr/secret/, 'no plain value leaves');
my ($hints) = $got =~ /^(HTTP\/1\.1 103 .*?)\r\n\r\n/ms;
like($hints, qr/^X-First: 1\r\n.*^X-Last: 1\r/ms, 'a 103 arrives whole');
my @left = map { s/\r//r } $hints =~ /^(set-cookie.*)$/gmi;
is(join('|', map { s/^[^:]*:\s*//r } @left), join('|', 'other=1; x=theme=2',
    'Theme=3', 'word', '; theme=4', '', 'themes=5', '==theme=6', 'm' x 80 . '=7'),
    'with all other cookies');
like($got, qr/^Set-Cookie: theme=[\w-]{60,}; HttpOnly; SameSite=Lax\r$/m,
    'the final answer has it sealed');
like($got, qr/hello/, 'and its body');
unlike(ask('/free/') =~ s/^Set-Cookie: theme=secret\r$//gmr, qr/HttpOnly/,
    'where nothing is sealed nothing is');
is(() = ask('/free/') =~ /secret/g, 7, 'and nothing removed');

$got = ask('/b/tunnel', "Upgrade: websocket\r\nConnection: Upgrade\r\n");
like($got, qr/^HTTP\/1\.1 101 /, 'a 101 arrives');
unlike($got, qr/secret/, 'without a plain value');
like($got, qr/^Set-Cookie: other=1; x=theme=2\r$/m, 'with others');
like($got, qr/theme=tunnel/, 'and what a tunnel carries is not touched');

my $b = $server->browser;
my $r = $b->get('/enc/cgi/app', h => ['Set-Cookie: theme=light; Path=/']);
my $sealed = $b->cookie('theme');
# The second by a backend, which echoes what an app would find.
for my $path ('/enc/static/1k.txt', '/traced/static/1k.txt') {
    $got = SxTest::raw("TRACE $path HTTP/1.1\r\nHost: localhost\r\n"
        . "Cookie: theme=$sealed\r\nConnection: close\r\n\r\n",
        port => $server->port, timeout => 5);
    like($got, qr/^HTTP\/1\.1 200 /, "TRACE $path is answered");
    unlike($got, qr/light/, 'but opens no cookie for who sent it');
    like($got, qr/^Cookie: theme=\Q$sealed\E\r$/m, 'it echoes what came');
}

# httpd sends trailers over HTTP/2 only; this is what it would send.
$server->stop;
open my $log, '<', $server->root . '/logs/trailers_log' or die "no log: $!\n";
my %trailer = map { m{^(\S+) (.*)$} } readline $log;
is($trailer{'/b/'}, '-', 'trailers have no cookies');
is($trailer{'/free/'}, 'theme=secret, other=8', 'where any are sealed');
SxTest::Backend::stop();
SxTest::done();
