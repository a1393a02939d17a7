# SPDX-License-Identifier: Apache-2.0
# K2 with a real mod_cache, before and behind the decision about access: what a
# session has let out is given to nobody else, a plain file neither.
use SxTest;

my @FRESH = ('Expires: Thu, 01 Jan 2099 00:00:00 GMT',
    'Cache-Control: public, max-age=3600', 'ETag: "page"');

sub cached { return ($_[0]->header('X-Cache') || '') =~ /^(HIT|REVALIDATE)/ }

sub user
{
    my ($host, $name) = @_;
    my $b = SxTest->browser(host => $host);
    $b->get('/s/cgi/app', h => ["Session-Set: user=$name"]);
    return $b;
}

for my $host (map { "authz-$_.test" } qw(quick slow quick-socache
    slow-socache)) {
    my ($alice, $bob) = map { user($host, $_) } qw(alice bob);
    my $nobody = SxTest->browser(host => $host);
    for my $path ('/mine/static/style.css', '/mine/cgi/app',
        '/gate/static/1k.txt') {
        my %how = (h => \@FRESH, length => 1);
        for my $round (1, 2) {
            my $r = $alice->get($path, %how);
            is($r->status, 200, "$host$path: alice is let in");
            for my $other ($bob, $nobody) {
                $r = $other->get($path, %how);
                is($r->status, 403, "$host$path: nobody else is");
            }
        }
    }
    for my $path ('/told/static/hello.html') {
        for my $round (1, 2) {
            is($_->[1]->get($path)->header('X-User'), "<$_->[0]>",
                "$host$path: a header that tells the user tells '$_->[0]'")
                for ['alice', $alice], ['bob', $bob], ['', $nobody];
        }
    }
    # What all but one may see is kept for those without a cookie, only.
    my $file = '/not/static/hello.html';
    $nobody->get($file);
    my $r = SxTest->browser(host => $host)->get($file);
    ok(cached($r), "$host: what nobody's session decides is cached");
    ok(!cached($alice->get($file)), "$host: but not for alice");
    is(user($host, 'mallory')->get($file)->status, 403,
        "$host: and who may not see it does not");
    $r = SxTest->browser(host => $host)->get($file);
    is($r->status, 200, "$host: which is no news for nobody");
}
SxTest::done();
