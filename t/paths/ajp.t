# SPDX-License-Identifier: Apache-2.0
# A Tomcat behind AJP: it gets no environment, so it is told by request headers
# where SessionExtRequestHeaders says so, and its commands are obeyed.
use SxTest;
use SxTest::Tomcat;

my $s = SxTest::Server->new(scopes => 1, more => ['proxy_ajp']);
my $tomcat = 'ajp://127.0.0.1:'
    . SxTest::Tomcat->start(dir => $s->root . '/tomcat')->port;
my $port = SxTest::Paths::free_port();
$s->write_conf(<<"EOF")->start;
<Location "/told/">
    SessionExt On
    SessionExtRequestHeaders On
    ProxyPass "$tomcat/"
</Location>
<Location "/untold/">
    SessionExt On
    ProxyPass "$tomcat/"
</Location>
<Location "/deaf/">
    SessionExt On
    SessionExtAccept Off
    ProxyPass "$tomcat/"
</Location>
Listen 127.0.0.1:$port
<VirtualHost *:$port>
    ServerName localhost
    ProxyIOBufferSize 65536
    SessionExt On
    SessionExtRequestHeaders On
    ProxyPass /large/ "$tomcat/"
</VirtualHost>
EOF

sub told
{
    my ($r) = @_;
    return join ' ', map { "$_=" . $r->env($_) }
        grep { /^HTTP_(?:X_)?SESSION/ } sort keys %{ $r->envs };
}

my $b = $s->browser;
my $r = $b->get('/told/app.jsp', h => ['Session-Set: user=alice&cart=3',
    'Session-Flash: info=Hi+there']);
is($r->status, 200, 'Tomcat answers');
is(told($r), 'HTTP_X_SESSION_STATUS=none', 'and is told that nobody is there');
is((join ' ', grep { /^session-/i } $r->header_names), '',
    'its control headers are taken out');
is(() = $r->headers('Set-Cookie'), 1, 'and obeyed: a session begins');
my $handle = $b->get('/s/cgi/app', header => { Accept => 'image/png' })
    ->env('SESSION_HANDLE');
is(told($b->get('/untold/app.jsp')), '', 'untold it sees nothing');
$r = $b->get('/told/app.jsp');
is(told($r), 'HTTP_X_SESSION_DATA_1=user=alice&cart=3 '
    . "HTTP_X_SESSION_FLASH=info=Hi+there HTTP_X_SESSION_HANDLE=$handle "
    . 'HTTP_X_SESSION_STATUS=active HTTP_X_SESSION_USER=alice '
    . 'HTTP_X_SESSION_VERSION=1', 'told it sees all, and the message');
unlike($r->body, qr/sid=/, 'but never the id');
like($r->header('Cache-Control'), qr/private/, 'its page is private');
unlike(told($b->get('/told/app.jsp')), qr/FLASH/, 'the message is gone');
$r = $b->get('/told/app.jsp', header => { 'X-Session-User' => 'root',
    'X-Session-Data-2' => 'role=admin' });
unlike(told($r), qr/root|admin/, 'what a client says of itself is not told');

$b->get('/untold/app.jsp', h => ['Session-Incr: cart=1']);
is($b->get('/s/cgi/app')->env('SESSION_VAR_cart'), 4,
    'commands are obeyed in any case');
$b->get('/deaf/app.jsp', h => ['Session-Incr: cart=1']);
is($b->get('/s/cgi/app')->env('SESSION_VAR_cart'), 4,
    'but not where SessionExtAccept is Off');
$b->get('/told/app.jsp', status => 500, h => ['Session-Set: cart=9']);
is($b->get('/s/cgi/app')->env('SESSION_VAR_cart'), 4,
    'nor with an answer of 500');

# All headers of a request are one packet, of 8 KiB unless both sides say more,
# as this Tomcat does.
my $half = 'long+' x 1500;
$b->post('/s/cgi/app', h => ["Session-Set: long=$half",
    "Session-Append: long=$half"]);
is($b->get('/told/app.jsp')->status, 400, 'what fits no packet is a 400');
like($s->error_log, qr/Error appending the header value/,
    'and the log says why');
$r = $b->get('/large/app.jsp', port => $port);
is($r->status, 200, 'with larger packets it arrives');
is(join('', map { $r->env("HTTP_X_SESSION_DATA_$_") // '' } 1 .. 3),
    "user=alice&cart=4&long=$half$half", 'in full');

my $old = $b->clone;
$r = $b->get('/untold/app.jsp', h => ['Session-Destroy: on']);
is($b->cookie('sid'), undef, 'Tomcat ends a session');
is($old->get('/s/cgi/app')->env('SESSION_STATUS'), 'invalid', 'for good');
SxTest::done();
