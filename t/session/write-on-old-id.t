# SPDX-License-Identifier: Apache-2.0
# C5: who writes on the old id within the grace of a silent renewal writes into
# the renewed session and is given the new cookie.
use SxTest;

use Time::HiRes qw(sleep);

my $DIR = '/write-on-old-id';

# Sessions whose ids are due: one for each case, so that the wait is one.
my %END = (
    'Session-Destroy: on' => 'none', 'Session-Renew: on' => 'active',
    'Session-Set: user=alice' => 'active', 'Session-Renew: discard' => 'active');
my %b = map { $_ => SxTest->browser } qw(cgi/app php/app.php end login late),
    keys %END;
$_->get("$DIR/cgi/app", h => ['Session-Set: cart=3&n=1']) for values %b;
sleep 1.1;

for my $app ('cgi/app', 'php/app.php') {
    my $b = $b{$app};
    my $began = $b->clone;
    my $image = $b->clone;
    # An image cannot renew by itself, and it began before the page.
    my $slow = $began->start("$DIR/$app", wait => 'slow',
        h => ['Session-Set: slow=1', 'Session-Incr: n=1']);
    my $img = $image->start("$DIR/$app", wait => 'slow',
        header => { 'Sec-Fetch-Dest' => 'image' }, h => ['Session-Set: img=1']);
    SxTest::reached('slow', 2);
    my $page = $b->clone;
    $page->get("$DIR/$app");
    isnt($page->cookie('sid'), $b->cookie('sid'), "$app: a page renews the id");
    $page->get("$DIR/$app", h => ['Session-Incr: n=10']);
    SxTest::release('slow');
    my $r = $slow->finish;
    is($r->status, 200, "$app: a slow writer that began before is answered");
    is($began->cookie('sid'), $page->cookie('sid'),
        "$app: and is given the new id");
    $img->finish;
    is($image->cookie('sid'), $page->cookie('sid'),
        "$app: so is a writer that is no page");

    my $after = $b->clone;
    $after->get("$DIR/$app",
        h => ['Session-Set: after=1', 'Session-Incr: n=100']);
    is($after->cookie('sid'), $page->cookie('sid'),
        "$app: a writer that begins in the grace gets it too");
    $r = $page->get("$DIR/$app");
    my @keys = qw(cart slow img after n);
    is(join(',', map { $r->env("SESSION_VAR_$_") // '-' } @keys),
        '3,1,1,1,112', "$app: and all they wrote is in the renewed session");
    is($r->env('SESSION_VERSION'), 5, "$app: one version a write");
}

# Who ends or logs in by the old id does it to the renewed session.
my $page = $b{end}->clone;
$page->get("$DIR/cgi/app");
$b{end}->get("$DIR/cgi/app", h => ['Session-Destroy: on']);
is($page->get("$DIR/cgi/app")->env('SESSION_STATUS'), 'invalid',
    'Destroy by the old id ends the renewed session');

my $old = $b{login}->clone;
$page = $b{login}->clone;
$page->get("$DIR/cgi/app");
$b{login}->get("$DIR/cgi/app", h => ['Session-Set: user=alice']);
is($b{login}->get("$DIR/cgi/app")->env('SESSION_USER'), 'alice',
    'a log-in by the old id works');
is($page->get("$DIR/cgi/app")->env('SESSION_STATUS'), 'invalid',
    'and ends the renewed id');
is($old->get("$DIR/cgi/app")->env('SESSION_STATUS'), 'invalid',
    'and the old one, which must not lead into a log-in');

# A session that ended after the renewal is not brought back by the old id.
my $slow = $b{late}->clone->start("$DIR/cgi/app", wait => 'late',
    h => ['Session-Set: late=1']);
SxTest::reached('late');
$page = $b{late}->clone;
$page->get("$DIR/cgi/app");
$page->get("$DIR/cgi/app", h => ['Session-Destroy: on']);
SxTest::release('late');
is($slow->finish->header('Set-Cookie'), undef,
    'a writer whose session was renewed and then ended gets no cookie');
is($b{late}->get("$DIR/cgi/app")->env('SESSION_STATUS'), 'invalid',
    'and the session stays ended');

# Who began to end the id before a page renewed it ends the renewed one.
for my $header (sort keys %END) {
    my $old = $b{$header}->clone;
    my $slow = $b{$header}->start("$DIR/cgi/app", wait => 'end',
        h => [$header]);
    SxTest::reached('end');
    my $page = $old->clone;
    $page->get("$DIR/cgi/app");
    isnt($page->cookie('sid'), $old->cookie('sid'), 'a page renewed the id');
    SxTest::release('end');
    is($slow->finish->status, 200, "a slow '$header' is answered");
    is($b{$header}->get("$DIR/cgi/app")->env('SESSION_STATUS'), $END{$header},
        "a slow '$header' is obeyed");
    is($_->get("$DIR/cgi/app")->env('SESSION_STATUS'), 'invalid',
        "and neither the old nor the renewed id lives after '$header'")
        for $old, $page;
}
SxTest::done();
