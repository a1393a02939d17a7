# SPDX-License-Identifier: Apache-2.0
# No control header leaves httpd on any path, sessions on or off, obeyed or not.
use SxTest;

my @ALL = ('Session-If-Version: 0', 'Session-Destroy: junk',
    'Session-Logout: junk', 'Session-Clear: on', 'session-unset: a',
    'Session-Set: a=1', 'Session-Append: b=1', 'SESSION-INCR: c=1',
    'Session-Idle: 60', 'Session-Persist: on', 'Session-Renew: on',
    'Session-Flash: info=x', 'Session-Flash-Keep: on');
my $TO = 'Location: http://localhost/';

sub control { return join ' ', grep { /^Session-/i } $_[0]->header_names }

sub clean
{
    my ($r, $status, $label) = @_;
    is($r->status, $status, "$label: $status");
    is(control($r), '', "$label: no control header");
    return $r;
}

for my $scope (qw(s off env_off plain ns2)) {
    for my $app ('cgi/app', 'php/app.php') {
        my $path = "/$scope/$app";
        for my $status (200, 201, 204, 301, 302, 303, 307, 400, 403, 404, 500,
            503)
        {
            my $b = SxTest->browser;
            clean($b->get($path, status => $status, h => [@ALL,
                $status =~ /^3/ ? $TO : ()]), $status, $path);
        }
        clean(SxTest->browser->get($path, status => 304, h => \@ALL), 304,
            $path);
        clean(SxTest->browser->head($path, h => \@ALL), 200, "HEAD $path");
        clean(SxTest->browser->post($path, h => \@ALL), 200, "POST $path");
    }
    my $b = SxTest->browser;
    my $r = $b->get("/$scope/cgi/app", h => [@ALL, 'X-Session-Set: mine',
        'X-App: 1']);
    is($r->header('X-Session-Set'), 'mine', "/$scope: other headers stay");
    is($r->header('X-App'), '1', "/$scope: all of them");

    my $twice = 'Location: /' . $scope . '/cgi/app?h=Session-Set%3A+z%3D1';
    $r = clean($b->get("/$scope/cgi/app", type => '', h => [@ALL, $twice]), 200,
        "/$scope: a local redirect");
    is($r->env('REQUEST_METHOD'), 'GET', "/$scope: to another app");
    clean(SxTest->browser->get("/$scope/cgi/app", type => '',
        h => [@ALL, "Location: /$scope/static/1k.txt"]), 200,
        "/$scope: a local redirect to a file");
    clean(SxTest->browser->get("/$scope/cgi/app", type => '',
        h => [@ALL, "Location: /$scope/static/none"]), 404,
        "/$scope: a local redirect to nothing");

    $r = clean($b->get("/$scope/ssi/query.shtml", h => \@ALL), 200,
        "/$scope: an app in a page");
    is($r->env('REQUEST_METHOD'), 'GET', "/$scope: which ran");
}

my $b = SxTest->browser;
clean($b->get('/headers_removal/static/none'), 404, 'an error document');
is($b->get('/s/cgi/app')->env('SESSION_VAR_doc'), 1,
    'which is an app whose commands are obeyed');
clean($b->get('/headers_removal/shut'), 403, 'a door that is shut');
is($b->get('/s/cgi/app')->env('SESSION_VAR_shut'), 1,
    'a command that mod_headers put there is obeyed as well');

$b = SxTest->browser;
my $r = clean($b->get('/headers_removal/set/static/1k.txt'), 200,
    'mod_headers on a file');
is(() = $r->headers('Set-Cookie'), 1, 'one cookie is set');
$r = $b->get('/s/cgi/app');
is($r->env('SESSION_VAR_set'), 1, 'its Header set is obeyed');
is($r->env('SESSION_VAR_always'), 1, 'and its Header always set');
clean($b->get('/off/headers_set/static/1k.txt'), 200,
    'mod_headers where sessions are off');
clean($b->get('/off/headers_set/cgi/app'), 200, 'also of an app');

$b = SxTest->browser;
$r = clean($b->get('/headers_removal/refuse/cgi/app',
    h => ['Session-Set: a=1']), 200, 'an app that is not accepted');
is($r->header('Set-Cookie'), undef, 'is not obeyed');
$r = $b->get('/off/cgi/app', h => ['Session-Set: a=1']);
is($r->header('Set-Cookie'), undef, 'nor is one where sessions are off');

$r = $b->get('/s/cgi/nph-app', h => ['Session-Set: a=1']);
is($r->header('Session-Set'), 'a=1', 'nph- output is not touched');
$r = $b->request(OPTIONS => '/s/static/1k.txt');
is(control($r), '', 'an OPTIONS answer has none');
SxTest::done();
