# SPDX-License-Identifier: Apache-2.0
# SessionExtRemoteUser: REMOTE_USER is the value of the user key, for apps, the
# access log and Require user; without it, it is nobody's.
use SxTest;

for my $app ('cgi/app', 'php/app.php') {
    my $b = SxTest->browser;
    my $r = $b->get("/remote-user/$app", h => ['Session-Set: cart=3']);
    is($r->env('REMOTE_USER'), undef, "$app: a new client is nobody");
    is($b->get("/remote-user/$app")->env('REMOTE_USER'), undef,
        "$app: nor is a session without a user");
    $b->get("/remote-user/$app", h => ['Session-Set: user=alice']);
    $r = $b->get("/remote-user/$app");
    is($r->env('REMOTE_USER'), 'alice', "$app: after a log-in it is the user");
    my $old = $b->clone;
    $b->get("/remote-user/$app", h => ['Session-Set: user=b%C3%B6b+jr']);
    is($b->get("/remote-user/$app")->env('REMOTE_USER'), "b\xC3\xB6b jr",
        "$app: also with a blank and beyond ASCII");
    is($old->get("/remote-user/$app")->env('REMOTE_USER'), undef,
        "$app: the id from before says nothing");
    $b->get("/remote-user/$app",
        h => ['Session-Set: user=mallory%0A%5Bfake%5D']);
    is($b->get("/remote-user/$app")->env('REMOTE_USER'), undef,
        "$app: a value with a line feed is no user name");
    $b->get("/remote-user/$app", h => ['Session-Destroy: on']);
    is($b->get("/remote-user/$app")->env('REMOTE_USER'), undef,
        "$app: after the log-out it is nobody again");

    $b = SxTest->browser;
    $b->get("/s/$app", h => ['Session-Set: user=alice']);
    $r = $b->get("/s/$app");
    is($r->env('REMOTE_USER'), undef,
        "$app: where it is not asked for, nothing");
    is($r->env('SESSION_USER'), 'alice', "$app: but SESSION_USER");
}

# Nobody becomes a user by saying so.
my $r = SxTest->browser->get('/remote-user/cgi/app',
    header => { 'Remote-User' => 'root', 'X-Remote-User' => 'root' });
is($r->env('REMOTE_USER'), undef, 'a header of the client makes no user');

my $b = SxTest->browser;
is($b->get('/remote-user/static/1k.txt')->status >= 400, 1,
    'Require user keeps a stranger out');
$b->get('/remote-user/cgi/app', h => ['Session-Set: user=alice']);
is($b->get('/remote-user/static/1k.txt')->status, 200,
    'and lets in who is logged in by the session');
$b->get('/remote-user/cgi/app', h => ['Session-Set: user=bob']);
is($b->get('/remote-user/static/1k.txt')->status >= 400, 1,
    'but nobody else');

open my $log, '<', SxTest::log_file() =~ s/error_log$/remote_user_log/r
    or die "no log: $!\n";
my $text = join '', <$log>;
like($text, qr{^alice /remote-user/cgi/app$}m, 'the access log knows the user');
unlike($text, qr/^\[fake\]/m, 'and no line was made up by one');
SxTest::done();
