# SPDX-License-Identifier: Apache-2.0
# Control headers of a backend in 1xx responses and trailers reach no client;
# everything else in them does, and bodies and tunnels are left alone.
use SxTest;

use SxTest::Backend;

my $ODD = "HTTP/1.1 103 Early Hints\r\nSession-Set: body=1\r\n\r\n";
my $OURS = qr/^session-(?:set|flash|renew)[ \t]*:/mi;
sub hints
{
    my ($path) = @_;
    my $long = 'x' x 7000;
    my $more = $path !~ /long/ ? ''
        : "Session-Renew: $long\r\nX-Long: $long\r\n";
    return join '', map {
        "HTTP/1.1 103 Early Hints\r\nLink: </$_.css>; rel=preload\r\n"
            . "Session-Set: a=b\r\nsession-FLASH: info=hi\r\n"
            . "Session-Setting: mine\r\n${more}X-Last: $_\r\n\r\n"
    } 1 .. 2;
}

sub tunnel
{
    my ($client) = @_;
    print $client "HTTP/1.1 101 Switching Protocols\r\nSession-Set: a=b\r\n"
        . "Upgrade: websocket\r\nConnection: Upgrade\r\nX-Keep: 1\r\n\r\n$ODD";
    print $client "echo:$_" while defined($_ = readline $client);
    return;
}

sub answer
{
    my ($client, $head) = @_;
    my ($path) = $head =~ m{^\S+ (\S+)};
    return tunnel($client) if $path =~ /tunnel/;
    print $client "HTTP/1.1 100 Continue\r\nSession-Set: c=1\r\n"
        . "X-Hundred: 1\r\n\r\n"
        if $head =~ /^expect:/mi;
    read $client, my $body, $1 if $head =~ /^content-length: *(\d+)/mi;
    print $client hints($path) if $path =~ /hints/;
    if ($path =~ /odd/) {
        print $client "HTTP/1.1 200 OK\r\nContent-Length: " . length($ODD)
            . "\r\n\r\n$ODD";
        return;
    }
    print $client "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
        . "5\r\nhello\r\n0\r\nSession-Set: t=1\r\nX-Sum: 42\r\n\r\n";
    return;
}

my $to = SxTest::Backend::start(\&answer);

# mod_http2 does not work under prefork.
my $h2 = SxTest::mpm() ne 'prefork';
my $server = SxTest::Server->new(conf => <<"EOF" . ($h2 ? <<'EOF2' : ''));
ProxyPass /b/ $to/ disablereuse=On upgrade=websocket
LogFormat "%U %{Session-Set}^to" trailers
CustomLog "\${SX_LOGS}/trailers_log" trailers
EOF
Protocols h2c http/1.1
H2EarlyHints on
H2Push off
EOF2
$server->start;

sub ask
{
    my ($path, $head, $body) = @_;
    my $method = defined $body ? 'POST' : 'GET';
    return SxTest::raw("$method /b/$path HTTP/1.1\r\nHost: localhost\r\n"
            . "Connection: close\r\n" . ($head || '') . "\r\n" . ($body || ''),
        port => $server->port);
}

my $got = ask('hints');
is(() = $got =~ /^HTTP\/1\.1 103 /mg, 2, 'both interim responses arrive');
unlike($got, $OURS, 'no control header is left in an interim response');
like($got, qr/^Link: <\/2\.css>/m, 'a header that is not ours stays');
like($got, qr/^Session-Setting: mine\r$/m,
    'a header whose name only begins like ours stays');
like($got, qr/^X-Last: 2\r\n\r\nHTTP\/1\.1 200 /m,
    'the end of the head and the final response follow');
like($got, qr/hello/, 'the body arrives');

$got = ask('hints-long');
unlike($got, $OURS, 'a head that httpd writes in several pieces is cleaned');
is(() = $got =~ /^X-Long: x{7000}\r$/mg, 2, 'and long headers stay whole');

$got = ask('plain', "Expect: 100-continue\r\nContent-Length: 2\r\n", 'hi');
unlike($got, $OURS, 'no control header is left in a 100');
like($got, qr/^X-Hundred: 1\r$/m, 'the rest of the 100 stays');

$got = ask('odd');
like($got, qr/\r\n\r\n\Q$ODD\E\z/,
    'a body that looks like an interim response is not touched');

$got = SxTest::raw("GET /b/tunnel HTTP/1.1\r\nHost: localhost\r\n"
        . "Upgrade: websocket\r\nConnection: Upgrade\r\n\r\nSession-Set: x=1\n",
    port => $server->port, half_close => 1, timeout => 5);
my ($head, $rest) = split /\r\n\r\n/, $got, 2;
like($head, qr/^HTTP\/1\.1 101 .*^X-Keep: 1/ms, 'the upgrade works');
unlike($head, $OURS, 'no control header is left in a 101');
like($rest, qr/\A\Q$ODD\E/, 'what a tunnel carries is not touched');

$got = SxTest::raw(join('', map {
    "GET /b/$_ HTTP/1.1\r\nHost: localhost\r\n"
        . ($_ eq 'hints' ? "Connection: close\r\n\r\n" : "\r\n")
} qw(odd hints-odd hints)), port => $server->port);
is(() = $got =~ /\Q$ODD\E/g, 2, 'each body of a kept connection is whole');
$got =~ s/\Q$ODD\E//g;
unlike($got, $OURS, 'and each of its interim responses is cleaned');

if ($h2) {
    my $curl = 'curl -s -m 10 --http2-prior-knowledge -D -';
    my $url = 'http://127.0.0.1:' . $server->port . '/b';
    my $all = qx($curl $url/hints-long 2>&1);
    is(() = $all =~ /^HTTP\/2 103/mg, 2,
        'both interim responses arrive over HTTP/2');
    unlike($all, $OURS, 'without a control header, and neither have trailers');
    like($all, qr/^session-setting: mine/m, 'others stay');
    like($all, qr/x-sum: 42/, 'also in the trailers');
    $all = qx($curl -d hi -H 'Expect: 100-continue' $url/plain 2>&1);
    like($all, qr/^x-hundred: 1/m, 'a 100 arrives over HTTP/2');
    unlike($all, $OURS, 'without a control header');
}

$server->stop;
open my $log, '<', $server->root . '/logs/trailers_log' or die "no log: $!\n";
my @lines = readline $log;
ok(scalar @lines, 'the requests were logged');
is(join('', grep { !/ -$/ } @lines), '',
    'a control header in a trailer is not there to be logged');
SxTest::Backend::stop();
SxTest::done();
