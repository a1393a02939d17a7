# SPDX-License-Identifier: Apache-2.0
# K4: an app's own Set-Cookie of the id cookie's name is dropped and logged;
# its other cookies pass untouched.
use SxTest;

my @OTHER = ('a=1; Path=/x', 'A="q; Secure', 'sid2=x', 'SID=x', 'xsid=x',
    'a.sid=1', 'theme=sid=1', "b=\xFF\x80", 'empty=; Max-Age=0', 'word');
my @OURS = ('sid=evil', 'sid=evil; Path=/; HttpOnly', ' sid = evil ', 'sid=',
    'sid=gone; Max-Age=0');

for my $app ('cgi/app', 'php/app.php') {
    for my $write ([], ['Session-Set: a=1']) {
        my $b = SxTest->browser;
        my $mark = SxTest::log_mark();
        my $r = $b->get("/s/$app", h => [@$write,
            map { "Set-Cookie: $_" } @OTHER, @OURS]);
        my @set = $r->headers('Set-Cookie');
        my ($own) = grep { /^sid=/ } @set;
        is(join('|', grep { !/^sid=/ } @set), join('|', @OTHER),
            "$app: other cookies of an app are as they were");
        unlike("@set", qr/evil|gone/, "$app: those of our name are dropped");
        is(defined $own ? 'sent' : 'none', @$write ? 'sent' : 'none',
            "$app: ours is there if it has to be");
        my @lines = grep { /Set-Cookie/ } split /\n/,
            SxTest::error_log_since($mark);
        is(scalar @lines, 1, "$app: the log says so once");
        unlike("@lines", qr/evil|gone/, "$app: without the value");
        next if !@$write;
        is($b->get("/s/$app", h => ['Set-Cookie: sid=evil'])
            ->header('Set-Cookie'), undef, "$app: a session is not replaced");
        is($b->get("/s/$app")->env('SESSION_VAR_a'), 1, "$app: and lives on");
    }
    for my $status (302, 304, 404, 500) {
        my $r = SxTest->browser->get("/s/$app", status => $status,
            h => ['Set-Cookie: sid=evil', 'Set-Cookie: ok=1',
                $status == 302 ? 'Location: http://localhost/' : ()]);
        is($r->header('Set-Cookie'), 'ok=1', "$app: also beside a $status");
    }
}
my $r = SxTest->browser->get('/s/cgi/app', type => '',
    h => ['Set-Cookie: sid=evil', 'Location: /s/cgi/app']);
is($r->header('Set-Cookie'), undef, 'also before a local redirect');
$r = SxTest->browser->get('/s/cgi/app', type => '',
    h => ['Set-Cookie: sid=evil', 'Location: /off/cgi/app']);
is($r->header('Set-Cookie'), undef, 'to where there are no sessions');
$r = SxTest->browser->get('/off/cgi/app', h => ['Set-Cookie: sid=own']);
is($r->header('Set-Cookie'), 'sid=own',
    'where sessions are off a name is free');
$r = SxTest->browser->get('/k4_sub/cgi/app', h => ['Set-Cookie: sid=own',
    'Set-Cookie: app.id=evil', 'Set-Cookie: app_id=own']);
is(join('|', $r->headers('Set-Cookie')), 'sid=own|app_id=own',
    'what counts is the name in the scope');
SxTest::done();
