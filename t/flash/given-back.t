# SPDX-License-Identifier: Apache-2.0
# F3: a redirect or a failure of the server gives the messages back.
use SxTest;

for my $app ('cgi/app', 'php/app.php') {
    for my $status (301, 302, 303, 307, 308, 500, 502, 503) {
        my $b = SxTest->browser;
        $b->get("/s/$app", h => ['Session-Flash: info=hello']);
        my $r = $b->get("/s/$app", status => $status,
            $status < 400 ? (h => ['Location: http://localhost/']) : ());
        is($r->status, $status, "$app says $status");
        is($b->get("/s/$app")->env('FLASH_info'), 'hello',
            "$app: $status has given it back");
        is($b->get("/s/$app")->env('FLASH_info'), undef,
            "$app: after $status it is shown once");
    }
}

my $b = SxTest->browser;
$b->get('/s/cgi/app', h => ['Session-Flash: info=first']);
$b->get('/s/cgi/app', status => 302,
    h => ['Session-Flash: info=second', 'Location: http://localhost/']);
is($b->get('/s/cgi/app')->env('FLASH_DATA'), 'info=first&info=second',
    'what a redirect queues stands behind what it gave back');
$b->get('/s/cgi/app', h => ['Session-Flash: info=lost'], status => 500);
is($b->get('/s/cgi/app')->env('FLASH_info'), undef,
    'what a failing page queues is dropped');
SxTest::done();
