# SPDX-License-Identifier: Apache-2.0
# K2: Cache-Control and Vary of what carries our cookie, of what consulted the
# session, and of what did neither.
use SxTest;

sub facts
{
    my ($r) = @_;
    return join '; ', map { "$_: " . (defined $r->header($_) ? $r->header($_)
        : 'none') } qw(Cache-Control Vary);
}

sub session
{
    my $b = SxTest->browser;
    $b->get('/s/cgi/app', h => ['Session-Set: user=alice']);
    return $b;
}

my $PUBLIC = 'Cache-Control: none; Vary: none';
for my $path ('/s/cgi/app', '/s/php/app.php', '/s/ssi/env.shtml',
    '/s/ssi/include.shtml', '/env_off/cgi/app')
{
    my $b = SxTest->browser;
    is(facts($b->get($path)), 'Cache-Control: none; Vary: Cookie',
        "$path: without a session it varies with the cookie");
    $b->set_cookie(sid => 'x' x 48);
    is(facts($b->get($path)), 'Cache-Control: private; Vary: Cookie',
        "$path: with an invalid one it is private");
    $b = session();
    is(facts($b->get($path)), 'Cache-Control: private; Vary: Cookie',
        "$path: and with a session");
    is(facts($b->head($path)), 'Cache-Control: private; Vary: Cookie',
        "$path: also to HEAD") if $path !~ /ssi/;
}
for my $b (SxTest->browser, session()) {
    is(facts($b->get("/s/static/$_")), $PUBLIC,
        "a static file says nothing: $_") for qw(1k.txt hello.html style.css);
    is(facts($b->get('/off/cgi/app')), $PUBLIC,
        'nor does an app without sessions');
}

# What the app says itself, and what becomes of it.
my @SAID = (
    ['public, max-age=60', 'private, max-age=60'],
    ['max-age=60, s-maxage=600', 'private, max-age=60'],
    ['no-cache', 'private, no-cache'],
    ['no-store', 'no-store'],
    ['private, max-age=5', 'private, max-age=5'],
    ['Public', 'private'],
    ['must-revalidate', 'private, must-revalidate'],
    ['private="X-App", max-age=9', 'private, private="X-App", max-age=9'],
);
for my $app ('cgi/app', 'php/app.php') {
    for my $case (@SAID) {
        my ($said, $becomes) = @$case;
        my $r = session()->get("/s/$app", h => ["Cache-Control: $said"]);
        is($r->header('Cache-Control'), $becomes, "$app: $said with a session");
        $r = SxTest->browser->get("/s/$app", h => ["Cache-Control: $said"]);
        is($r->header('Cache-Control'), $said, "$app: $said without");
        $r = SxTest->browser->get("/s/$app",
            h => ["Cache-Control: $said", 'Session-Set: a=1']);
        is($r->header('Cache-Control'), 'no-store',
            "$app: $said beside our cookie");
        is(() = $r->raw_head =~ /^cache-control:/mig, 1, "$app: in one line");
    }
    for my $case (['Accept-Encoding', 'Accept-Encoding, Cookie'],
        ['cookie', 'cookie'], ['Cookie, Accept', 'Cookie, Accept'], ['*', '*'],
        ['X-Cookie', 'X-Cookie, Cookie'])
    {
        my ($said, $becomes) = @$case;
        my $r = session()->get("/s/$app", h => ["Vary: $said"]);
        is($r->header('Vary') =~ s/,\s*/, /gr, $becomes, "$app: Vary: $said");
    }
    for my $status (302, 303, 400, 404, 500) {
        my @to = $status < 400 ? ('Location: http://localhost/') : ();
        is(facts(session()->get("/s/$app", status => $status, h => [@to])),
            'Cache-Control: private; Vary: Cookie', "$app: also of a $status");
        is(SxTest->browser->get("/s/$app", status => $status,
            h => [@to, 'Session-Set: a=1'])->header('Cache-Control'),
            $status < 500 ? 'no-store' : undef,
            "$app: a $status with our cookie");
    }
    my $r = session()->get("/s/$app", h => ['Session-Destroy: on']);
    is($r->header('Cache-Control'), 'no-store',
        "$app: a deleted cookie is one");
}

# What the server's own configuration adds.
for my $scope (qw(caching_edit caching_always caching_expires)) {
    my $r = SxTest->browser->get("/$scope/cgi/app", h => ['Session-Set: a=1']);
    is($r->header('Cache-Control'), 'no-store',
        "$scope: our cookie goes out with no-store");
    $r = session()->get("/$scope/cgi/app");
    like($r->header('Cache-Control'), qr/\bprivate\b/,
        "$scope: a page with a session is private");
    unlike($r->header('Cache-Control'), qr/public/, "$scope: and not public");
    like($r->header('Vary'), qr/\bCookie\b/, "$scope: and varies");
    $r = session()->get("/$scope/cgi/app", h => ['Session-Set: b=2']);
    like($r->header('Cache-Control'), qr/\bprivate\b/,
        "$scope: also one that writes");
    unlike($r->header('Cache-Control'), qr/public/, "$scope: is not public");
}

my $alice = session();
is($alice->get('/caching_mine/static/1k.txt')->status, 200,
    'a file that only alice may read');
is(facts($alice->get('/caching_mine/static/1k.txt')),
    'Cache-Control: private; Vary: Cookie', 'is hers');
is(facts($alice->get('/caching_type/static/1k.txt')),
    'Cache-Control: private; Vary: Cookie',
    'so is a file that is parsed because of its type');
SxTest::done();
