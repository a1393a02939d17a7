# SPDX-License-Identifier: Apache-2.0
# An id counts in the cookie and nowhere else, and nothing else that a request
# has is taken for what is in the session.
use SxTest;

my $b = SxTest->browser;
my $r = $b->get('/s/cgi/app', h => ['Session-Set: role=user&user=alice']);
my $id = $b->cookie('sid');

my @PLACES = (
    ["/s/cgi/app?sid=$id"], ["/s/cgi/app?SESSION_ID=$id&PHPSESSID=$id"],
    ["/s/cgi/app;sid=$id"], ["/s/cgi/app/$id"], ["/s/cgi/app/sid=$id"],
    ['/s/cgi/app', { 'X-Session-Id' => $id, 'Session' => $id,
        'Session-Id' => $id, 'X-Session-Handle' => $id, 'SID' => $id }],
    ['/s/cgi/app', { Authorization => "Bearer $id" }],
    ['/s/cgi/app', { Cookie2 => "sid=$id", 'Set-Cookie' => "sid=$id" }],
    ['/s/cgi/app', { Referer => "http://localhost/?sid=$id" }],
);
for my $place (@PLACES) {
    my ($path, $header) = @$place;
    my $label = $header ? join ' ', sort keys %$header
        : $path =~ s/\Q$id\E/ID/gr;
    $r = SxTest->browser->get($path, header => $header || {});
    unlike($r->body, qr/^SESSION_STATUS=active/m, "no session by $label");
    unlike($r->body, qr/^SESSION_DATA=/m, "nor its data by $label");
    is($r->header('Set-Cookie'), undef, "nor a cookie by $label");
}
$r = SxTest->browser->post('/s/cgi/app', content => "sid=$id&PHPSESSID=$id",
    header => { 'Content-Type' => 'application/x-www-form-urlencoded' });
is($r->env('SESSION_STATUS'), 'none', 'no session by a form');

# The same names in a query, a form and a cookie.
for my $app ('cgi/app', 'php/app.php') {
    my $path = "/s/$app?role=admin&user=root&SESSION_USER=root"
        . '&SESSION_VAR_role=admin&SESSION_DATA=role%3Dadmin';
    $r = $b->get($path, header => { Cookie =>
        "role=admin; SESSION_VAR_role=admin; SESSION_USER=root; sid=$id" });
    is($r->env('SESSION_VAR_role'), 'user', "$app: a query shadows no key");
    is($r->env('SESSION_USER'), 'alice', "$app: nor the user");
    is($r->env('SESSION_DATA'), 'role=user&user=alice', "$app: nor the data");
    $r = $b->post("/s/$app",
        content => 'role=admin&SESSION_VAR_role=admin&SESSION_USER=root',
        header => { 'Content-Type' => 'application/x-www-form-urlencoded' });
    is($r->env('SESSION_VAR_role'), 'user', "$app: nor does a form");
    is($b->get("/s/$app")->env('SESSION_DATA'), 'role=user&user=alice',
        "$app: and nothing was written by it");
}

# Where the id leaves: the one cookie, and nothing else.
for my $app ('cgi/app', 'php/app.php') {
    my $one = SxTest->browser;
    for my $h (['Session-Set: a=1'], ['Session-Renew: on'],
        ['Session-Flash: info=x'], [])
    {
        $r = $one->get("/s/$app", status => 302,
            h => [@$h, 'Location: http://localhost/s/cgi/app']);
        my $now = $one->cookie('sid');
        my @lines = grep { /\Q$now\E/ } split /\r?\n/, $r->raw_head;
        is(scalar(grep { !/^Set-Cookie: sid=/ } @lines), 0,
            "$app: the id is in no header but Set-Cookie");
        unlike($r->body // '', qr/\Q$now\E/, "$app: nor in the body");
    }
}
SxTest::done();
