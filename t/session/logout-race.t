# SPDX-License-Identifier: Apache-2.0
# C4, B6: a request that began before the log-out and ends after it brings
# nothing back, and its own answer is not harmed.
use SxTest;

my @SLOW = (
    [], ['Session-Set: late=1'], ['Session-Incr: late=1'],
    ['Session-Append: late=1'], ['Session-Clear: on'], ['Session-Unset: cart'],
    ['Session-Set: user=alice'], ['Session-Set: user=bob'],
    ['Session-Unset: user'], ['Session-Renew: on'], ['Session-Persist: on'],
    ['Session-Renew: discard'], ['Session-Idle: 60'],
    ['Session-Flash: info=late'], ['Session-Destroy: on'],
    ['Session-Renew: discard', 'Session-Set: late=1'],
);

# One log-out for all of them: each began with the same live session.
sub race
{
    my ($app, $end) = @_;
    my $b = SxTest->browser;
    $b->get("/s/$app", h => ['Session-Set: user=alice&cart=3']);
    my @slow = map {
        my $one = $b->clone;
        [$one, $_, $one->start("/s/$app", wait => 'slow', h => $_,
            body => 'done')];
    } @SLOW;
    SxTest::reached('slow', scalar @slow);
    my $copy = $b->clone;
    $b->get('/s/cgi/app', h => $end);
    SxTest::release('slow');
    for my $one (@slow) {
        my ($client, $asked, $pending) = @$one;
        my $what = "$app, @$end, '@$asked'";
        my $r = $pending->finish;
        is($r->status . ($r->text || ''), '200done',
            "$what: the slow answer is whole");
        unlike($r->header('Set-Cookie') || '', qr/^sid=\S{48}/,
            "$what: it gives no id");
        is($r->env('SESSION_VAR_cart'), '3',
            "$what: it saw the session it began with");
        is($client->get('/s/cgi/app')->env('SESSION_STATUS'),
            $client->cookie('sid') ? 'invalid' : 'none',
            "$what: its client has no session");
    }
    is($copy->get('/s/cgi/app')->env('SESSION_STATUS'), 'invalid',
        "$app, @$end: nothing came back");
    return $b;
}

race($_, ['Session-Destroy: on']) for 'cgi/app', 'php/app.php';

# A log-out that keeps a session: nobody but its own client gets into it.
my $b = race('cgi/app', ['Session-Renew: discard']);
my $r = $b->get('/s/cgi/app');
is($r->env('SESSION_STATUS'), 'active', 'the session after it lives');
is($r->env('SESSION_DATA') || '', '', 'and got none of the late writes');
SxTest::done();
