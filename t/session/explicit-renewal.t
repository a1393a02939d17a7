# SPDX-License-Identifier: Apache-2.0
# B5: after Session-Renew the old id is invalid at once; a late write on it is
# dropped and its answer carries no cookie; of parallel renewals one wins.
use SxTest;

sub shopper
{
    my $b = SxTest->browser;
    $b->get('/s/cgi/app', h => ['Session-Set: cart=3']);
    return $b;
}

for my $app ('cgi/app', 'php/app.php') {
    my $b = shopper();
    my $thief = $b->clone;
    my $handle = $b->get("/s/$app")->env('SESSION_HANDLE');
    my $r = $b->get("/s/$app", h => ['Session-Renew: on']);
    is(scalar(my @set = $r->headers('Set-Cookie')), 1,
        "$app: a renewal sets one cookie");
    isnt($b->cookie('sid'), $thief->cookie('sid'), "$app: with another id");
    is($thief->get("/s/$app")->env('SESSION_STATUS'), 'invalid',
        "$app: the old id is invalid at once");
    $r = $b->get("/s/$app");
    is($r->env('SESSION_VAR_cart'), '3', "$app: the data is kept");
    is($r->env('SESSION_HANDLE'), $handle, "$app: so is the handle");
    is($r->env('SESSION_VERSION'), 1, "$app: and the version");

    $thief = $b->clone;
    $b->get("/s/$app", h => ['Session-Renew: discard']);
    isnt($b->cookie('sid'), $thief->cookie('sid'),
        "$app: 'discard' gives another id too");
    is($thief->get("/s/$app")->env('SESSION_STATUS'), 'invalid',
        "$app: and ends the old one");
    $r = $b->get("/s/$app");
    is($r->env('SESSION_STATUS'), 'active', "$app: the new one is live");
    is($r->env('SESSION_DATA') || '', '', "$app: and empty");

    $b->get("/s/$app", h => ['Session-Set: cart=4']);
    $b->get("/s/$app", h => ['Session-Renew: discard', 'Session-Set: fresh=1']);
    is($b->get("/s/$app")->env('SESSION_DATA'), 'fresh=1',
        "$app: 'discard' beside a set keeps only what is set");
}

for my $late (['Session-Set: late=1'], ['Session-Incr: late=1'],
        ['Session-Renew: on'], ['Session-Set: user=mallory'],
        ['Session-Persist: on'], ['Session-Flash: info=late']) {
    my $b = shopper();
    my $slow = $b->clone;
    my $before = $slow->cookie('sid');
    my $pending = $slow->start('/s/cgi/app', wait => 'late', h => $late,
        body => 'done');
    SxTest::reached('late');
    $b->get('/s/cgi/app', h => ['Session-Renew: on']);
    SxTest::release('late');
    my $r = $pending->finish;
    is($r->status . $r->text, '200done',
        "the answer of a late '@$late' is whole");
    is($r->header('Set-Cookie'), undef, 'it carries no cookie');
    is($slow->get('/s/cgi/app')->env('SESSION_STATUS'), 'invalid',
        'the old id stays invalid');
    $r = $b->get('/s/cgi/app');
    is($r->env('SESSION_DATA'), 'cart=3', 'and what it wrote is dropped');
    is($r->env('FLASH_COUNT'), undef, 'messages too');
}

my $b = shopper();
my @racing = map {
    my $one = $b->clone;
    [$one, $one->start('/s/cgi/app', wait => 'race', h => ['Session-Renew: on',
        'Session-Incr: renewed=1'])];
} 1 .. 8;
SxTest::reached('race', 8);
SxTest::release('race');
my @answers = map { $_->[1]->finish } @racing;
is(scalar(grep { $_->status == 200 } @answers), 8,
    'all of eight parallel renewals are answered');
my @won = grep { $_->header('Set-Cookie') } @answers;
is(scalar @won, 1, 'one of them carries a cookie');
my @live = grep {
    $_->[0]->get('/s/cgi/app')->env('SESSION_STATUS') eq 'active' } @racing;
is(scalar @live, 1, 'and one of the clients has a live session');
is($live[0][0]->get('/s/cgi/app')->env('SESSION_VAR_renewed'), '1',
    'to which one of the eight was applied');
SxTest::done();
