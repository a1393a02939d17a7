# SPDX-License-Identifier: Apache-2.0
# F1: a message is in the environment of the next page of its session, once.
use SxTest;

sub flash_names
{
    my ($r) = @_;
    return join ' ', sort grep { /^FLASH/ } keys %{ $r->envs };
}

for my $app ('cgi/app', 'php/app.php') {
    my $b = SxTest->browser;
    my $r = $b->get("/s/$app", h => [
        'Session-Flash: info=Saved&warning=Low+stock',
        'Session-Flash: info=J%C3%BCrgen+%26+co',
        'Location: http://localhost/' ]);
    is($r->status, 302, "$app: the app redirects");
    is(flash_names($r), '', "$app: who queues a message does not see it");
    is(() = $r->headers('Set-Cookie'), 1,
        "$app: a message alone begins a session");

    $r = SxTest->browser->get("/s/$app");
    is(flash_names($r), '', "$app: another client does not see it");

    $r = $b->get("/s/$app");
    is($r->env('FLASH_COUNT'), 3, "$app: the next page has all messages");
    is(join('|', map { $r->env("FLASH_${_}_LEVEL") } 1 .. 3),
        'info|warning|info', "$app: with their levels, in order");
    is(join('|', map { $r->env("FLASH_${_}_TEXT") } 1 .. 3),
        "Saved|Low stock|J\xC3\xBCrgen & co", "$app: and their texts");
    is($r->env('FLASH_info'), "Saved J\xC3\xBCrgen & co",
        "$app: texts of one level are joined by a blank");
    is($r->env('FLASH_warning'), 'Low stock', "$app: each level by itself");
    is($r->env('FLASH_DATA'),
        'info=Saved&warning=Low+stock&info=J%C3%BCrgen+%26+co',
        "$app: and all as one encoded list");
    is($r->env('SESSION_DATA'), '', "$app: messages are no data");

    $r = $b->get("/s/$app");
    is(flash_names($r), '', "$app: the page after it has none");
    is($r->env('SESSION_VERSION'), 1,
        "$app: neither queueing nor showing makes a version");
}

my $b = SxTest->browser;
$b->get('/s/cgi/app', h => ['Session-Set: a=1']);
$b->get('/s/cgi/app', h => ['Session-Flash: info=one']);
my $r = $b->get('/s/cgi/app', h => ['Session-Flash: info=two']);
is($r->env('FLASH_DATA'), 'info=one', 'a page shows one and queues another');
$r = $b->get('/s/cgi/app');
is($r->env('FLASH_DATA'), 'info=two', 'which is for the page after it');
is($r->env('SESSION_VERSION'), 1, 'still at the version of the data');

$r = $b->get('/s/cgi/app', h => ['Session-Flash: info=three']);
$r = $b->get('/s/cgi/app', status => 404);
is($r->env('FLASH_info'), 'three', 'a page that says 404 shows it too');
is($b->get('/s/cgi/app')->env('FLASH_info'), undef, 'and that was once');
SxTest::done();
