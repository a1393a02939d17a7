# SPDX-License-Identifier: Apache-2.0
# F4, C9: of pages that load at once one shows a message; what is queued while
# a page loads is for the next one. The pages stand at barriers.
use SxTest;

sub queue
{
    my ($b, $what) = @_;
    return $b->post('/s/cgi/app', status => 303,
        h => ["Session-Flash: info=$what", 'Location: http://localhost/']);
}

sub shown { return $_[0]->env('FLASH_DATA') // 'none' }
sub next_page { return shown($_[0]->get('/s/cgi/app')) }

# How many of them have shown it.
sub count { return scalar grep { shown($_) eq 'info=hello' } @_ }

for my $app ('cgi/app', 'php/app.php', 'ssi/query.shtml') {
    my $b = SxTest->browser;
    queue($b, 'hello');
    my @pages = map { $b->start("/s/$app", wait => 'open') } 1 .. 5;
    SxTest::reached('open', 5);
    is(next_page($b), 'none', "$app: a page that loads beside them has none");
    SxTest::release('open');
    is(count(map { $_->finish } @pages), 1,
        "$app: of five pages that load at once one shows it");
    is(next_page($b), 'none', "$app: the next does not");
}

my $b = SxTest->browser;
for my $case (
    [302, [], 'a redirect'], [304, [], 'a 304'], [500, [], 'a failure'],
    [200, ['Session-Flash-Keep: on'], 'a page that keeps it'],
    [200, ['Session-If-Version: 99'], 'a page that becomes a conflict'])
{
    my ($status, $h, $what) = @$case;
    queue($b, 'hello');
    my $first = $b->start('/s/cgi/app', wait => 'first', status => $status,
        h => $h);
    SxTest::reached('first');
    my $second = $b->start('/s/cgi/app', wait => 'second');
    SxTest::reached('second');
    SxTest::release('first');
    $first->finish;
    SxTest::release('second');
    is(shown($second->finish), 'none',
        "while it may be shown by $what nobody else shows it");
    is(next_page($b), 'info=hello', "$what gives it back");
    is(next_page($b), 'none', 'for one page');
}

# C9, both ways round.
queue($b, 'one');
my $slow = $b->start('/s/cgi/app', wait => 'slow');
SxTest::reached('slow');
queue($b, 'two');
is(next_page($b), 'info=two',
    'what is queued while a page loads is for the page after the redirect');
queue($b, 'three');
SxTest::release('slow');
is(shown($slow->finish), 'info=one', 'and not for that page');
is(next_page($b), 'info=three', 'whose end takes no other message along');
is(next_page($b), 'none', 'each was shown once');

$slow = $b->start('/s/cgi/app', wait => 'none', h => ['Session-Set: seen=1']);
SxTest::reached('none');
queue($b, 'late');
SxTest::release('none');
is(shown($slow->finish), 'none', 'a page that began before the message');
is(next_page($b), 'info=late', 'leaves it to the next');
is(next_page($b), 'none', 'once');

# Two messages of two pages, given back in the other order than taken.
queue($b, 'a');
my @page = $b->start('/s/cgi/app', wait => 'a', status => 302);
SxTest::reached('a');
queue($b, 'b');
push @page, $b->start('/s/cgi/app', wait => 'b', status => 302);
SxTest::reached('b');
SxTest::release('b');
$page[1]->finish;
SxTest::release('a');
$page[0]->finish;
is(next_page($b), 'info=a&info=b', 'what two pages give back is in order');

# Data beside it.
$b->get('/s/cgi/app', h => ['Session-Set: n=0']);
queue($b, 'hello');
my $r = $b->get('/off/cgi/app');
my $version = $b->get('/s/cgi/app', header => { 'Sec-Fetch-Dest' => 'empty' })
    ->env('SESSION_VERSION');
my $writer = $b->start('/s/cgi/app', wait => 'writer',
    h => ["Session-If-Version: $version", 'Session-Set: mine=1'],
    header => { 'Sec-Fetch-Dest' => 'empty' });
SxTest::reached('writer');
my $page = $b->start('/s/cgi/app', wait => 'page',
    h => ['Session-Incr: n=1']);
SxTest::reached('page');
SxTest::release('writer');
is($writer->finish->status, 200, 'that a page has taken it is no version');
$b->get('/s/cgi/app', h => ['Session-Incr: n=1'],
    header => { 'Sec-Fetch-Dest' => 'empty' }) for 1 .. 3;
SxTest::release('page');
$r = $page->finish;
is(shown($r), 'info=hello', 'the page shows it');
$r = $b->get('/s/cgi/app');
is($r->env('SESSION_VAR_n'), 4, 'no increment beside it is lost');
is($r->env('SESSION_VERSION'), $version + 5, 'each is a version');
is(shown($r), 'none', 'and it was shown once');

# A log-in in another tab while a page loads.
queue($b, 'hello');
$page = $b->start('/s/cgi/app', wait => 'page');
SxTest::reached('page');
is(shown($b->get('/s/cgi/app', h => ['Session-Set: user=alice'])), 'none',
    'a log-in beside it does not show it');
is(next_page($b), 'none', 'nor does a page of the new id');
SxTest::release('page');
is(shown($page->finish), 'info=hello', 'but the page that has it');
is(next_page($b), 'none', 'alone');

# Without barriers, as it comes.
my $wrong = 0;
for (1 .. 10) {
    queue($b, 'hello');
    my @all = map { $b->start('/s/cgi/app') } 1 .. 6;
    $wrong++ if count(map { $_->finish } @all) != 1;
}
is($wrong, 0, 'ten times of six pages at once one showed it');
SxTest::done();
