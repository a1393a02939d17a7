# SPDX-License-Identifier: Apache-2.0
# SessionExtAccept: whose control headers are obeyed. Local apps and gateways
# are by default, http upstreams are not; nobody's headers reach the client.
use SxTest;

my $backend = SxTest::Server->new(module => 0);
$backend->start;
my $port = $backend->port;
my $to = "http://127.0.0.1:$port/any";
my $server = SxTest::Server->new(scopes => 1, php => 1, conf => <<"EOF");
<Location "/proxied/">
    SessionExt On
    SessionExtNamespace localhost
    ProxyPass $to/ disablereuse=On
</Location>
<Location "/trusted/">
    SessionExt On
    SessionExtNamespace localhost
    SessionExtAccept On
    ProxyPass $to/ disablereuse=On
</Location>
<Location "/nothing/">
    ProxyPass $to/ disablereuse=On
</Location>
<Location "/balanced/">
    SessionExt On
    SessionExtNamespace localhost
    ProxyPass balancer://pool/any/
</Location>
<Location "/rewritten/">
    SessionExt On
    SessionExtNamespace localhost
    RewriteEngine On
    RewriteRule . $to/cgi/app [P]
</Location>
<Proxy "balancer://pool">
    BalancerMember "http://127.0.0.1:$port" disablereuse=On
</Proxy>
<Location "/deaf/">
    SessionExt On
    SessionExtNamespace localhost
    SessionExtAccept Off
</Location>
EOF
$server->start;

# Whether a client of this path has a session after it asked for one, and what
# the answer looked like.
sub obeyed
{
    my ($path) = @_;
    my $b = $server->browser;
    my $r = $b->get($path, h => ['Session-Set: cart=3', 'Session-Flash: info=x',
        'X-Mine: kept'], body => 'ok');
    is($r->status . ($r->text // ''), '200ok', "$path: the answer is whole");
    is($r->header('X-Mine'), 'kept', "$path: with the headers of the app");
    ok(!(grep { /^session-/i } $r->header_names),
        "$path: and without control headers");
    my $got = $b->get('/s/cgi/app')->env('SESSION_VAR_cart') || 'nothing';
    return $got;
}

is(obeyed('/s/cgi/app'), '3', 'a CGI is obeyed');
is(obeyed('/s/php/app.php'), '3', 'PHP is obeyed');
for my $path (qw(/proxied /balanced /rewritten)) {
    is(obeyed("$path/cgi/app"), 'nothing', "$path: an http upstream is not");
}
is(obeyed('/trusted/cgi/app'), '3', 'unless SessionExtAccept is On');
is(obeyed('/nothing/cgi/app'), 'nothing', 'without sessions nobody is');
for my $app (qw(cgi/app php/app.php)) {
    is(obeyed("/deaf/$app"), 'nothing',
        "where SessionExtAccept is Off $app is not");
}

# Not obeyed goes for every command.
my $b = $server->browser;
$b->get('/s/cgi/app', h => ['Session-Set: user=alice&cart=3']);
my $id = $b->cookie('sid');
for my $command ('Session-Destroy: on', 'Session-Renew: on',
        'Session-Clear: on', 'Session-If-Version: 9', 'Session-Idle: 1',
        'Session-Set: =malformed') {
    my $mark = $server->log_mark;
    my $r = $b->get('/proxied/cgi/app', h => [$command]);
    is($r->status, 200, "'$command' of an upstream is no error");
    is($b->cookie('sid'), $id, 'the cookie stays');
    is($b->get('/s/cgi/app')->env('SESSION_DATA'), 'user=alice&cart=3',
        'and so does the session');
    unlike($server->error_log_since($mark), qr/refused/,
        'and nobody is told of an error');
}
my $r = $b->get('/trusted/cgi/app', status => 302,
    h => ['Session-Set: cart=4', 'Location: /s/cgi/app']);
is($r->status, 302, 'an upstream that is trusted redirects');
is($b->get($r->location)->env('SESSION_VAR_cart'), '4',
    'and who follows finds what it wrote');
$r = $b->get('/trusted/cgi/app', body => 'mine',
    h => ['Session-If-Version: 99', 'Session-Set: cart=5', 'X-Mine: 1']);
is($r->status, 409, 'its condition is looked at as well');
unlike($r->body, qr/BODY=mine/, 'a conflict replaces its page');
is($r->header('X-Mine'), undef, 'and its headers');
SxTest::done();
