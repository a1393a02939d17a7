# SPDX-License-Identifier: Apache-2.0
# B5: the id is renewed by itself when the value of the user key appears,
# changes or goes, and then the old one is invalid at once.
use SxTest;

# (what, header, does it renew, SESSION_USER afterwards)
my @STEPS = (
    ['another key',                'Session-Set: cart=3',      0, undef],
    ['a log-in',                   'Session-Set: user=alice',  1, 'alice'],
    ['the same user again',        'Session-Set: user=alice',  0, 'alice'],
    ['another user',               'Session-Set: user=bob',    1, 'bob'],
    ['an append to the user',      'Session-Append: user=by',  1, 'bobby'],
    ['the end of the user',        'Session-Unset: user',      1, undef],
    ['a key named like it',        'Session-Set: User=alice',  0, undef],
    ['a user that is a number',    'Session-Incr: user=7',     1, '7'],
    ['Clear, which ends the user', 'Session-Clear: on',        1, undef],
    ['an empty user',              'Session-Set: user=',       0, undef],
);

for my $app ('cgi/app', 'php/app.php') {
    my $b = SxTest->browser;
    $b->get("/s/$app", h => ['Session-Set: first=1']);
    my $handle = $b->get("/s/$app")->env('SESSION_HANDLE');
    for my $step (@STEPS) {
        my ($what, $header, $renews, $user) = @$step;
        my $old = $b->clone;
        my $answer = $b->get("/s/$app", h => [$header]);
        my $set = () = $answer->headers('Set-Cookie');
        is($set, $renews,
            "$app: $what sets " . ($renews ? 'a' : 'no') . ' cookie');
        is($old->get("/s/$app")->env('SESSION_STATUS'),
            $renews ? 'invalid' : 'active', "$app: $what "
            . ($renews ? 'ends the old id' : 'leaves the id'));
        my $r = $b->get("/s/$app");
        is($r->env('SESSION_STATUS'), 'active',
            "$app: $what keeps the session");
        is($r->env('SESSION_USER') || undef, $user,
            "$app: $what: the user is right");
        is($r->env('SESSION_HANDLE'), $handle, "$app: $what keeps the handle");
    }
}

# The key is the scope's.
my $dir = '/user-change-renews/cgi/app';
my $b = SxTest->browser;
$b->get($dir, h => ['Session-Set: user=alice']);
my $id = $b->cookie('sid');
$b->get($dir, h => ['Session-Set: user=bob']);
is($b->cookie('sid'), $id, 'with another user key, user is a key like any');
is($b->get($dir)->env('SESSION_USER') || '', '', 'and nobody is logged in');
$b->get($dir, h => ['Session-Set: account=alice']);
isnt($b->cookie('sid'), $id, 'and the one that was chosen renews');
is($b->get($dir)->env('SESSION_USER'), 'alice', 'and is the user');

# Logged in by the first write.
$b = SxTest->browser;
my $r = $b->get('/s/cgi/app', h => ['Session-Set: user=alice']);
is(scalar(my @set = $r->headers('Set-Cookie')), 1,
    'a log-in as the first write sets one cookie');
is($b->get('/s/cgi/app')->env('SESSION_USER'), 'alice', 'and works');

# An attacker's planted id does not survive the victim's log-in, even if the
# attacker's own request is under way then.
my $attacker = SxTest->browser;
$attacker->get('/s/cgi/app', h => ['Session-Set: cart=3']);
my $victim = $attacker->clone;
my $slow = $attacker->start('/s/cgi/app', wait => 'slow',
    h => ['Session-Set: mine=1']);
SxTest::reached('slow');
$victim->get('/s/cgi/app', h => ['Session-Set: user=alice']);
SxTest::release('slow');
is($slow->finish->header('Set-Cookie'), undef,
    'a late write with the id from before the log-in gets no cookie');
is($attacker->get('/s/cgi/app')->env('SESSION_STATUS'), 'invalid',
    'that id is dead');
$r = $victim->get('/s/cgi/app');
is($r->env('SESSION_DATA'), 'cart=3&user=alice',
    'and the session has none of that write');

# Two log-ins at once: one session, one winner.
$b = SxTest->browser;
$b->get('/s/cgi/app', h => ['Session-Set: cart=3']);
my @racing = map {
    my $one = $b->clone;
    [$one, $one->start('/s/cgi/app', wait => 'race',
        h => ["Session-Set: user=u$_"])]
} 1 .. 6;
SxTest::reached('race', 6);
SxTest::release('race');
my @answers = map { $_->[1]->finish } @racing;
is(scalar(grep { $_->header('Set-Cookie') } @answers), 1,
    'of parallel log-ins one gets a cookie');
is(scalar(grep { ($_->[0]->get('/s/cgi/app')->env('SESSION_USER') || '')
    =~ /^u/ } @racing), 1, 'and one is logged in');
SxTest::done();
