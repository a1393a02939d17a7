# SPDX-License-Identifier: Apache-2.0
# Session-Destroy with Session-Flash: a new session that has nothing but the
# message.
use SxTest;

for my $app ('cgi/app', 'php/app.php') {
    my $b = SxTest->browser;
    $b->get("/s/$app", h => ['Session-Set: user=alice&cart=3',
        'Session-Flash: info=unread']);
    my $old = $b->clone;
    my $r = $b->get("/s/$app", status => 303, h => ['Session-Destroy: on',
        'Session-Flash: info=Bye', 'Location: http://localhost/']);
    is(() = $r->headers('Set-Cookie'), 1, "$app: one cookie is set");
    isnt($b->cookie('sid'), $old->cookie('sid'), "$app: it is another id");
    $r = $b->get("/s/$app");
    is($r->env('SESSION_STATUS'), 'active', "$app: there is a session");
    is($r->env('SESSION_DATA'), '', "$app: that has no data");
    is($r->env('FLASH_DATA'), 'info=Bye', "$app: and just this message");
    is($old->get("/s/$app")->env('SESSION_STATUS'), 'invalid',
        "$app: the old session has ended");
}

my $b = SxTest->browser;
my $r = $b->get('/s/cgi/app',
    h => ['Session-Destroy: on', 'Session-Flash: info=Bye']);
is($b->get('/s/cgi/app')->env('FLASH_info'), 'Bye',
    'who had no session gets the message as well');
SxTest::done();
