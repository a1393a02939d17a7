# SPDX-License-Identifier: Apache-2.0
# C3: with Session-If-Version the loser of a race gets 409 without the app's
# headers and body, and nothing of what it asked for is applied.
use SxTest;

sub shopper
{
    my $b = SxTest->browser;
    $b->get('/s/cgi/app', h => ['Session-Set: k=0']);
    return $b;
}

for my $app ('cgi/app', 'php/app.php') {
    my $b = shopper();
    my @client = map { $b->clone } 1 .. 6;
    my @pending = map {
        $client[$_]->start("/s/$app", wait => 'race', body => "page of $_",
            h => ['Session-If-Version: 1', "Session-Set: k=$_",
                'Session-Incr: n=1', 'Session-Flash: info=hi',
                'X-Mine: secret', 'Set-Cookie: theirs=1',
                'Session-Persist: on'])
    } 0 .. 5;
    SxTest::reached('race', 6);
    SxTest::release('race');
    my @answers = map { $_->finish } @pending;
    my ($winner, @more) = grep { $answers[$_]->status == 200 } 0 .. 5;
    my @losers = grep { $_->status == 409 } @answers;
    is(scalar @more, 0, "$app: one of six gets through");
    is(scalar @losers, 5, "$app: five get 409");
    my $r = $b->get('/s/cgi/app');
    is($r->env('SESSION_VAR_k'), $winner,
        "$app: what is there is the winner's");
    is($r->env('SESSION_VAR_n'), '1', "$app: applied once");
    is($r->env('SESSION_VERSION'), 2, "$app: as one version");
    is($r->env('FLASH_COUNT'), '1', "$app: with one message");
    for my $lost (@losers) {
        unlike($lost->body, qr/page of/, "$app: a loser's page is not sent");
        is($lost->header('X-Mine'), undef, "$app: nor its headers");
        is($lost->header('Set-Cookie'), undef, "$app: nor its cookies");
        like($lost->header('Cache-Control'), qr/no-store/,
            "$app: and no cache keeps the 409");
        ok(!(grep { /^session-/i } $lost->header_names),
            "$app: without control headers");
    }
    $r = $b->get("/s/$app",
        h => ['Session-If-Version: 2', 'Session-Set: k=again']);
    is($r->status, 200, "$app: who knows the version gets through");
}

# Also where the app redirects, and as the last header.
my $b = shopper();
my $r = $b->get('/s/cgi/app', status => 302, h => ['Location: /elsewhere',
    'Session-Set: k=1', 'Session-If-Version: 9']);
is($r->status, 409, 'a redirect of a loser is not sent');
is($r->location, undef, 'nor its Location');
is($b->get('/s/cgi/app')->env('SESSION_VAR_k'), '0',
    'the order of the headers does not matter');

# 0 means: there must be none.
is($b->get('/s/cgi/app', h => ['Session-If-Version: 0', 'Session-Set: k=1'])
    ->status, 409, 'version 0 is not a session that exists');
my $new = SxTest->browser;
$r = $new->get('/s/cgi/app',
    h => ['Session-If-Version: 0', 'Session-Set: k=1']);
is($r->status, 200, 'version 0 is a session that does not exist');
is($new->get('/s/cgi/app')->env('SESSION_VAR_k'), '1', 'and creates it');
my $none = SxTest->browser;
$r = $none->get('/s/cgi/app',
    h => ['Session-If-Version: 1', 'Session-Set: k=1']);
is($r->status, 409, 'no session is at version 1');
is($r->header('Set-Cookie'), undef, 'and none is created');

# One that ends meanwhile is at no version at all.
my $slow = $b->clone;
my $pending = $slow->start('/s/cgi/app', wait => 'end',
    h => ['Session-If-Version: 1', 'Session-Set: k=1']);
SxTest::reached('end');
my $copy = $b->clone;
$b->get('/s/cgi/app', h => ['Session-Destroy: on']);
SxTest::release('end');
is($pending->finish->status, 409, 'a session that ended meanwhile is a 409');
is($copy->get('/s/cgi/app')->env('SESSION_STATUS'), 'invalid',
    'and it stays ended');

# A failed condition stops data, not Destroy and Renew.
$b = shopper();
$copy = $b->clone;
$b->get('/s/cgi/app', h => ['Session-If-Version: 9', 'Session-Set: k=1',
    'Session-Renew: on']);
isnt($b->cookie('sid'), $copy->cookie('sid'),
    'Renew is obeyed beside a condition that fails');
is($copy->get('/s/cgi/app')->env('SESSION_STATUS'), 'invalid',
    'so the old id is gone');
is($b->get('/s/cgi/app')->env('SESSION_VAR_k'), '0', 'and the data is kept');
$copy = $b->clone;
$b->get('/s/cgi/app', h => ['Session-If-Version: 9', 'Session-Destroy: on']);
is($b->cookie('sid'), undef,
    'Destroy is obeyed beside a condition that fails');
is($copy->get('/s/cgi/app')->env('SESSION_STATUS'), 'invalid',
    'and the session is gone');

# The administrator's page for it.
$b = SxTest->browser;
$b->get('/if-version/cgi/app', h => ['Session-Set: k=0']);
$r = $b->get('/if-version/php/app.php', body => 'mine',
    h => ['Session-If-Version: 9', 'Session-Set: k=1']);
is($r->status, 409, 'with an ErrorDocument the status is 409');
is($r->env('REDIRECT_STATUS'), '409', 'and the page is the ErrorDocument');
is($r->env('SESSION_VAR_k'), '0', 'which sees the session as it is');

# mod_http2 refuses to work under prefork: there it is nothing to test.
if (SxTest::mpm() ne 'prefork') {
    my $server = SxTest::Server->new(scopes => 1,
        conf => 'Protocols h2c http/1.1');
    $server->start;
    my $url = 'http://127.0.0.1:' . $server->port . '/s/cgi/app?body=mine'
        . '&h=Session-If-Version:%209&h=Session-Set:%20k=1';
    my $said = qx(curl -s -i -m 10 --http2-prior-knowledge '$url');
    like($said, qr/^HTTP\/2 409/, 'over HTTP/2 the loser gets 409, too');
    unlike($said, qr/BODY=mine/, 'and not the page');
}

# Words that are no version.
for my $junk ('x', '-1', '1.0', '01', '', '18446744073709551616', '1, 2') {
    $b = shopper();
    $r = $b->get('/s/cgi/app',
        h => ["Session-If-Version: $junk", 'Session-Set: k=1']);
    is($b->get('/s/cgi/app')->env('SESSION_VAR_k'), '0',
        "beside the malformed version '$junk' nothing is applied");
}
SxTest::done();
