# SPDX-License-Identifier: Apache-2.0
# K2 for sealed cookies: what saw or set one is private and varies, what did
# neither is not; no cache gives one visitor's page or cookie to another.
use SxTest;
use SxTest::Keys;

my $server = SxTest::Server->new(more => ['cache', 'cache_disk']);
my $file = $server->root . '/keys';
SxTest::Keys::put($file, SxTest::Keys::line(1));
my $cache = <<'EOF2';
    CacheEnable disk /
    CacheDefaultExpire 3600
    CacheIgnoreNoLastMod On
    CacheIgnoreCacheControl On
    CacheStorePrivate On
    CacheStoreNoStore On
    CacheHeader On
EOF2
$server->write_conf(<<"EOF2")->start;
SessionExtKeyFile $file
<Location "/enc/">
    SessionExtSeal theme encrypt
</Location>
<Location "/sess/">
    SessionExt On
    SessionExtSeal theme encrypt
</Location>
<Location "/late/">
    SessionExtSeal theme encrypt
    Header add Set-Cookie "theme=l; Path=/"
</Location>
<VirtualHost *:\${SX_PORT}>
    ServerName localhost
</VirtualHost>
<VirtualHost *:\${SX_PORT}>
    ServerName quick.test
$cache    CacheQuickHandler On
</VirtualHost>
<VirtualHost *:\${SX_PORT}>
    ServerName slow.test
$cache    CacheQuickHandler Off
</VirtualHost>
EOF2

sub facts
{
    my ($r) = @_;
    return join '; ', map { "$_: " . ($r->header($_) // 'none') }
        qw(Cache-Control Vary);
}

sub visitor
{
    my ($host, $theme) = @_;
    my $b = $server->browser(host => $host);
    $b->get('/enc/cgi/app', h => ["Set-Cookie: theme=$theme; Path=/"],
        key => rand);
    return $b;
}

my $NOTHING = 'Cache-Control: none; Vary: none';
my $VARIES = 'Cache-Control: none; Vary: Cookie';
my $PRIVATE = 'Cache-Control: private; Vary: Cookie';
for my $scope (qw(enc sess)) {
    my ($b, $nobody) = (visitor('localhost', 'light'), $server->browser);
    is(facts($nobody->get("/$scope/cgi/app")), $VARIES,
        "$scope: without the cookie a page varies with it");
    is(facts($b->get("/$scope/cgi/app")), $PRIVATE,
        "$scope: with it it is private");
    is(facts($b->get("/$scope/ssi/env.shtml")), $PRIVATE,
        "$scope: a page with includes as well");
    is(facts($b->get("/$scope/cgi/app", h => ['Cache-Control: public, '
        . 's-maxage=5, max-age=5'])),
        'Cache-Control: private, max-age=5; Vary: Cookie',
        "$scope: whatever it says itself");
    is(facts($nobody->get("/$scope/cgi/app",
        h => ['Set-Cookie: theme=l; Path=/'])), $PRIVATE,
        "$scope: so is one that sets it");
    $nobody->forget;
    $nobody->set_cookie(theme => 'junk');
    is(facts($nobody->get("/$scope/cgi/app")), $PRIVATE,
        "$scope: and one to a client with a forged one");
    is(facts($_->get("/$scope/static/1k.txt")), $NOTHING,
        "$scope: a plain file says nothing") for $b, $nobody;
}
is(facts($server->browser->get('/late/static/1k.txt')), $PRIVATE,
    'a plain file with a sealed cookie is private');

my %fresh = (h => ['Cache-Control: public, max-age=3600', 'ETag: "1"',
    'Last-Modified: Thu, 01 Jan 2015 00:00:00 GMT']);
sub cached { return ($_[0]->header('X-Cache') || '') =~ /^(HIT|REVALIDATE)/ }

for my $host (qw(quick.test slow.test)) {
    my ($light, $dark) = map { visitor($host, $_) } qw(light dark);
    my $nobody = $server->browser(host => $host);
    for my $round (1, 2) {
        my $r = $light->get('/enc/cgi/app', %fresh);
        is($r->env('SEALED_theme'), 'light', "$host: one sees its own");
        ok(!cached($r), "$host: from no cache");
        is($dark->get('/enc/cgi/app', %fresh)->env('SEALED_theme'), 'dark',
            "$host: the other, too");
        is($nobody->get('/enc/cgi/app', %fresh)->env('SEALED_theme'), undef,
            "$host: and who has none, none");
    }
    ok(cached($server->browser(host => $host)->get('/enc/cgi/app', %fresh)),
        "$host: what is for nobody in particular is kept");
    my @set = map { $server->browser(host => $host)->get('/enc/cgi/app',
        h => [@{ $fresh{h} }, 'Set-Cookie: theme=x; Path=/'])
        ->header('Set-Cookie') } 1, 2;
    isnt($set[0], $set[1], "$host: no cookie is kept by a cache");
    $light->get('/enc/static/hello.html');
    ok(cached($light->get('/enc/static/hello.html')),
        "$host: a plain file is kept");
    ok(cached($dark->get('/enc/static/hello.html')), "$host: for all");
}
SxTest::done();
