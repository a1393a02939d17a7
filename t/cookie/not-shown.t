# SPDX-License-Identifier: Apache-2.0
# Where a request is served by detours its id is shown to nobody either: error
# documents, index files, rewriting, TRACE, and the pages that httpd makes of a
# request that it refuses.
use SxTest;

my $server = SxTest::Server->new(scopes => 1, php => 1, conf => <<'EOF2');
TraceEnable On
<Location "/d/">
    SessionExt On
    SessionExtNamespace localhost
    ErrorDocument 404 /s/cgi/app
    ErrorDocument 403 /s/php/app.php
</Location>
<Location "/d/shut">
    Require all denied
</Location>
RewriteEngine On
RewriteRule "^/d/passed$" "/s/cgi/app" [PT]
RewriteRule "^/d/php$" "/s/php/app.php" [PT]
RewriteRule "^/d/flagged$" "/s/cgi/app" [PT,E=COPY:%{HTTP_COOKIE}]
EOF2
$server->start;
my $b = $server->browser;
$b->get('/s/cgi/app', h => ['Session-Set: a=1']);
my $id = $b->cookie('sid');
my $WITH = { Cookie => "a=1; sid=$id; b=2" };

for my $path (qw(/d/none /d/shut /d/passed /d/php /d/flagged
    /s/ssi/include.shtml /s/ssi/env.shtml))
{
    my $r = $b->get($path, header => $WITH);
    is($r->env('SESSION_STATUS'), 'active', "$path has the session");
    unlike($r->raw_head . $r->body, qr/\Q$id\E/, "$path does not show its id");
    is($r->env('HTTP_COOKIE'), 'a=1; b=2', "$path sees the other cookies")
        if $path !~ /env/;
}

for my $path (qw(/s/cgi/app /s/static/1k.txt /s/none)) {
    my $r = $b->request(TRACE => $path, header => $WITH);
    unlike($r->body, qr/\Q$id\E/, "TRACE $path does not show it");
}

# More than httpd reads of a header: its page says which one it was.
for my $cookie ("sid=$id; x=" . 'A' x 9_000, 'x=' . 'A' x 9_000 . "; sid=$id",
    "sid=$id\x01", "sid=$id\0")
{
    my $r = $b->get('/s/cgi/app', header => { Cookie => $cookie });
    is($r->status, 400, 'a request that httpd refuses');
    unlike($r->raw_head . $r->body, qr/\Q$id\E/, 'is not told what it sent');
}
my $got = SxTest::raw("GET /s/cgi/app HTTP/1.1\r\nHost: localhost\r\n"
    . "Cookie: sid=$id\r\n" . join('', map { "X-$_: 1\r\n" } 1 .. 110) . "\r\n",
    port => $server->port);
like($got, qr{^HTTP/1\.1 400 }, 'so is one with too many headers');
unlike($got, qr/\Q$id\E/, 'which is not told either');
is($b->get('/s/cgi/app')->env('SESSION_STATUS'), 'active',
    'the session is there all the while');
SxTest::done();
