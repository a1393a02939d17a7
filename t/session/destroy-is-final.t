# SPDX-License-Identifier: Apache-2.0
# B6: a session that was destroyed is gone; its cookie is deleted with the
# attributes it was set with, and nothing that comes later brings it back.
use SxTest;

for my $app ('cgi/app', 'php/app.php', 'sh/app') {
    my $b = SxTest->browser;
    my $r = $b->get("/s/$app", h => ['Session-Set: cart=3']);
    my ($was) = $r->headers('Set-Cookie');
    my $copy = $b->clone;
    $r = $b->get("/s/$app", h => ['Session-Destroy: on'], body => 'bye');
    is($r->status . $r->text, '200bye', "$app: the answer is the app's");
    my @set = $r->headers('Set-Cookie');
    is(scalar @set, 1, "$app: with one cookie");
    like($set[0], qr/^sid=;.*(?:Max-Age=0|Expires=Thu, 01 Jan 1970)/i,
        "$app: which deletes the id");
    my ($path) = $was =~ /(Path=[^;]*)/i;
    like($set[0], qr/\Q$path\E/i, "$app: at the path where it was set");
    is($b->cookie('sid'), undef, "$app: so the browser has none");
    like($r->header('Cache-Control'), qr/no-store/,
        "$app: and no cache keeps that answer");

    for my $more ([], ['Session-Set: cart=4'], ['Session-Incr: n=1'],
            ['Session-Renew: on'], ['Session-If-Version: 1',
            'Session-Set: cart=5']) {
        my $again = $copy->clone;
        $again->get("/s/$app", h => $more);
        $r = $copy->get("/s/$app");
        is($r->env('SESSION_STATUS'), 'invalid',
            "$app: the old id is invalid after '@$more'");
        is($r->env('SESSION_DATA'), undef, "$app: without any data");
    }
    $r = $copy->get("/s/$app", h => ['Session-Destroy: on']);
    is($r->status, 200, "$app: ending it twice is no error");
}

my $b = SxTest->browser;
$b->get('/s/cgi/app', h => ['Session-Set: cart=3']);
my $copy = $b->clone;
my $r = $b->get('/s/cgi/app', h => ['Session-Destroy: on', 'Session-Set: a=1']);
is($copy->get('/s/cgi/app')->env('SESSION_STATUS'), 'invalid',
    'Destroy beside a Set ends the session');
is($b->cookie('sid'), undef, 'and refuses the Set');

$b = SxTest->browser;
$b->get('/s/cgi/app', h => ['Session-Set: cart=3&user=alice']);
$copy = $b->clone;
$b->get('/s/cgi/app', h => ['Session-Destroy: on', 'Session-Flash: info=Bye'],
    status => 302);
is($copy->get('/s/cgi/app')->env('SESSION_STATUS'), 'invalid',
    'Destroy beside a message ends the session');
$r = $b->get('/s/cgi/app');
is($r->env('FLASH_info'), 'Bye', 'the message comes in a new one');
is($r->env('SESSION_DATA') || '', '', 'which has nothing else');

# Beside something malformed.
for my $junk ('Session-Set: =x', 'Session-Idle: soon', 'Session-Incr: n=many',
        'Session-Set: a=1 2') {
    $b = SxTest->browser;
    $b->get('/s/cgi/app', h => ['Session-Set: cart=3']);
    $copy = $b->clone;
    $b->get('/s/cgi/app', h => [$junk, 'Session-Destroy: on']);
    is($copy->get('/s/cgi/app')->env('SESSION_STATUS'), 'invalid',
        "Destroy is obeyed beside the malformed '$junk'");
}
SxTest::done();
