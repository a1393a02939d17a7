# SPDX-License-Identifier: Apache-2.0
# B8 where httpd replaces an app's error page by its own: the app's commands
# count as they would have with its page.
use SxTest;

my $backend = SxTest::Server->new(module => 0);
$backend->start;
my $to = 'http://127.0.0.1:' . $backend->port . '/any';
my $scope = <<"EOF";
    SessionExt On
    SessionExtNamespace localhost
    SessionExtAccept On
    ProxyPass $to/ disablereuse=On
    ProxyErrorOverride On
EOF
my $server = SxTest::Server->new(scopes => 1, php => 1, conf => <<"EOF");
<Location "/canned/">
$scope
</Location>
<Location "/page/">
$scope
    ErrorDocument 404 "/s/cgi/app"
    ErrorDocument 500 "/s/cgi/app"
</Location>
<Location "/text/">
$scope
    ErrorDocument 404 "not here"
    ErrorDocument 500 "broken"
</Location>
EOF
$server->start;

for my $dir (qw(canned page text)) {
    my $app = "/$dir/cgi/app";
    my $b = $server->browser;
    $b->get('/s/cgi/app', h => ['Session-Set: cart=3']);

    my $r = $b->get($app, status => 404, body => 'mine',
        h => ['Session-Set: seen=1']);
    is($r->status, 404, "$dir: a 404 stays one");
    unlike($r->body, qr/BODY=mine/, "$dir: its page is httpd's");
    ok(!(grep { /^session-/i } $r->header_names),
        "$dir: without control headers");
    is($b->get('/s/cgi/app')->env('SESSION_DATA'), 'cart=3&seen=1',
        "$dir: what the app set beside a 404 is set");

    $r = $b->get($app, status => 500, h => ['Session-Set: cart=9']);
    is($r->status, 500, "$dir: a 500 stays one");
    is($b->get('/s/cgi/app')->env('SESSION_DATA'), 'cart=3&seen=1',
        "$dir: what it set beside a 500 is not");

    my $new = $server->browser;
    $new->get($app, status => 404, h => ['Session-Set: first=1']);
    is($new->get('/s/cgi/app')->env('SESSION_DATA'), 'first=1',
        "$dir: a session may begin with a 404");

    my $old = $b->clone;
    $b->get($app, status => 500, h => ['Session-Renew: on']);
    isnt($b->cookie('sid'), $old->cookie('sid'),
        "$dir: Renew is obeyed beside a 500");
    $old = $b->clone;
    $b->get($app, status => 500, h => ['Session-Destroy: on']);
    is($b->cookie('sid'), undef, "$dir: so is Destroy");
    is($old->get('/s/cgi/app')->env('SESSION_STATUS'), 'invalid',
        "$dir: and the session is gone");
}
SxTest::done();
