# SPDX-License-Identifier: Apache-2.0
# Nothing that a client sends is a command or passes for our word to a backend:
# not in headers, folded or joined lines, trailers, HTTP/0.9, a request hidden
# in another, nor by what Connection names; and no upstream's either.
use SxTest;
use SxTest::Backend;

# Answers with the request that it got, body and trailers included.
sub answer
{
    my ($client, $head) = @_;
    read $client, my $body, $1 if $head =~ /^content-length: *(\d+)/mi;
    my $text = $head;
    if ($head =~ /^transfer-encoding: *chunked/mi) {
        while (defined(my $line = readline $client)) {
            $text .= $line;
            last if $line =~ /^\r?\n$/;
        }
    }
    my $more = $head =~ m{^\S+ \S*/hop}
        ? "Connection: close, Session-Set, Session-Destroy, Set-Cookie\r\n"
        . "Session-Set: hop=1\r\nSession-Destroy: on\r\n" : '';
    print $client "HTTP/1.1 200 OK\r\n${more}Set-Cookie: sid=evil\r\n"
        . "Set-Cookie: =sid=evil\r\nSet-Cookie: theirs=1\r\nContent-Length: "
        . length($text) . "\r\n\r\n$text";
    return;
}

my $to = SxTest::Backend::start(\&answer);

my $server = SxTest::Server->new(scopes => 1, conf => <<"EOF2");
MergeTrailers On
TraceEnable On
<Location "/told/">
    SessionExt On
    SessionExtNamespace localhost
    SessionExtRequestHeaders On
    ProxyPass $to/ disablereuse=On
</Location>
<Location "/trusted/">
    SessionExt On
    SessionExtNamespace localhost
    SessionExtAccept On
    ProxyPass $to/ disablereuse=On
</Location>
EOF2
$server->start;
my $b = $server->browser;
$b->get('/s/cgi/app', h => ['Session-Set: cart=3']);
my $id = $b->cookie('sid');

sub raw
{
    my ($line, @head) = @_;
    my $body = @head && ref $head[-1] ? ${ pop @head } : '';
    return SxTest::raw(join("\r\n", $line, 'Host: localhost',
        'Connection: close', @head) . "\r\n\r\n$body", port => $server->port);
}

sub unharmed
{
    my ($what) = @_;
    is($b->get('/s/cgi/app')->env('SESSION_DATA'), 'cart=3',
        "$what: the session is as it was");
    return;
}

# --- a client's commands ------------------------------------------------------
my @COMMANDS = ('Session-Destroy: on', 'Session-Set: cart=4',
    'Session-Renew: on', 'Session-Logout: all', 'Session-Clear: on',
    'Session-If-Version: 9', 'Session-Flash: info=x');
for my $path ('/s/cgi/app', '/s/ssi/env.shtml', '/s/static/1k.txt',
    '/s/none', '/told/x', '/trusted/x', '/off/cgi/app')
{
    for my $method (qw(GET HEAD OPTIONS TRACE)) {
        my $got = raw("$method $path HTTP/1.1", @COMMANDS, "Cookie: sid=$id");
        my ($head, $body) = split /\r\n\r\n/, $got, 2;
        unlike($head, qr/^(?:Session-|Set-Cookie: sid)/mi,
            "$method $path: a client's commands come back in no header");
        unlike($body // '', qr/\Q$id\E/, "$method $path: nor its id in a body")
            if $path !~ m{^/(?:off|s/none)};
    }
    unharmed($path);
}
unlike(raw('GET /s/cgi/app HTTP/1.1', 'X-A: 1', " Session-Destroy: on",
    "Cookie: sid=$id"), qr/^Set-Cookie/m, 'nor one that is folded');
unharmed('a folded line');
raw('GET /s/cgi/app HTTP/1.1', 'Content-Length: 0', "Cookie: sid=$id",
    \"GET /s/cgi/app?h=Session-Destroy:+on HTTP/1.1\r\nHost: localhost\r\n\r\n");
unharmed('a second request that has no cookie');

# --- what a backend is told ---------------------------------------------------
my $FORGED = qr/root|role=admin/;
for my $case (
    ['another case', 'x-SESSION-user: root'],
    ['underscores', 'X_Session_User: root'],
    ['a part number', 'X-Session-Data-99: role=admin'],
    ['two lines', 'X-Session-User: root', 'X-Session-User: root'],
    ['named by Connection', 'Connection: X-Session-User, X-Session-Status',
        'X-Session-User: root'],
    ['named by Connection with tabs', "Connection: close,\tX-Session-Status\t,",
        'X-Session-User: root'],
) {
    my ($what, @head) = @$case;
    my $got = raw('GET /told/x HTTP/1.1', @head, "Cookie: sid=$id");
    like($got, qr/^X-Session-Status: active\r$/m,
        "$what: a backend is told the status");
    unlike($got, $FORGED, "$what: and nothing of the client's");
}
my $got = raw('POST /told/x HTTP/1.1', 'Transfer-Encoding: chunked',
    'Trailer: X-Session-User, Cookie, Session-Destroy', "Cookie: sid=$id",
    \("2\r\nhi\r\n0\r\nX-Session-User: root\r\nX-Session-Status: none\r\n"
        . "Session-Destroy: on\r\nCookie: sid=other\r\n\r\n"));
like($got, qr/^X-Session-Status: active\r$/m,
    'trailers: a backend is told the status');
unlike($got, $FORGED, 'trailers: and nothing of the client\'s');
unharmed('trailers');
# Not to a CGI, of which httpd may lose the answer if it does not read the body.
$got = raw('GET /s/ssi/env.shtml HTTP/1.1', 'Transfer-Encoding: chunked',
    "Cookie: sid=$id", \("2\r\na=\r\n0\r\nX-Session-User: root\r\n"
        . "Cookie: sid=other\r\n\r\n"));
like($got =~ s/\r\n[0-9a-f]+\r\n//gr, qr/^SESSION_STATUS=active$/m,
    'trailers: a page sees the session');
unlike($got, $FORGED, 'trailers: and nothing of the client\'s');

# --- HTTP/0.9 -----------------------------------------------------------------
$got = SxTest::raw("GET /s/cgi/app?h=Session-Set:+a%3D1&body=whole\r\n",
    port => $server->port, half_close => 1);
unlike($got, qr/^(?:Session-Set|Set-Cookie):/m,
    'an answer without a head has no head of ours');

# --- an upstream's -------------------------------------------------------------
for my $scope (qw(told trusted)) {
    $got = raw("GET /$scope/hop HTTP/1.1", "Cookie: sid=$id");
    my ($head) = split /\r\n\r\n/, $got, 2;
    unlike($head, qr/^session-/mi,
        "$scope: commands that Connection names reach nobody");
    unharmed("$scope, named by Connection");
    $head = (split /\r\n\r\n/, raw("GET /$scope/x HTTP/1.1",
        "Cookie: sid=$id"), 2)[0];
    unlike($head, qr/sid=evil/, "$scope: nor does a cookie of our name");
    like($head, qr/^Set-Cookie: theirs=1\r?$/m, "$scope: its own does");
}
SxTest::Backend::stop();
SxTest::done();
