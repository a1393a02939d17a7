# SPDX-License-Identifier: Apache-2.0
# Session-Logout: all or all other sessions of a user end, in whatever browser,
# and nothing that is under way brings one back.
use SxTest;

my $APP = '/s/cgi/app';
my @APPS = ('cgi/app', SxTest::php() ? 'php/app.php' : 'sh/app');
my $turn = 0;

sub logged_in
{
    my ($user) = @_;
    my $b = SxTest->browser;
    $b->get($APP, h => ["Session-Set: user=$user&cart=3"]);
    return $b;
}

sub status { return $_[0]->get($APP)->env('SESSION_STATUS') }

for my $app (@APPS) {
    my $user = 'alice' . ++$turn;
    my ($mine, $second, $third) = map { logged_in($user) } 1 .. 3;
    my ($other, $nobody) = (logged_in("bert$turn"), SxTest->browser);
    $nobody->get($APP, h => ['Session-Set: cart=1']);
    my $mark = SxTest::log_mark();
    my $r = $mine->get("/s/$app", h => ['Session-Logout: others'],
        body => 'ok');
    is($r->status . $r->text, '200ok', "$app: others: the answer is whole");
    is($r->header('Session-Logout'), undef, "$app: and the header is gone");
    is($r->header('Set-Cookie'), undef, "$app: the cookie stays");
    is(status($mine), 'active', "$app: this session goes on");
    is(status($_), 'invalid', "$app: another one has ended")
        for $second, $third;
    is(status($_), 'active', "$app: another's has not") for $other, $nobody;
    my $log = SxTest::error_log_since($mark);
    like($log, qr/all other sessions of its user ended/, "$app: it is logged");
    unlike($log, qr/$user/, "$app: without the user's name");

    is(status(logged_in($user)), 'active', "$app: who logs in again is in");
    $r = $mine->get("/s/$app", h => ['Session-Logout: all',
        'Session-Flash: info=Bye']);
    like($r->header('Set-Cookie') || '', qr/^sid=\S{48}/,
        "$app: all: with a message another session begins");
    $r = $mine->get($APP);
    is($r->env('FLASH_info'), 'Bye', "$app: which shows it");
    is($r->env('SESSION_USER'), undef, "$app: to nobody in particular");
}

# A slow request of a session that is ended meanwhile.
for my $asked ('Session-Set: late=1', 'Session-Unset: user', 'Session-Renew: on',
    'Session-Set: user=mallory', 'Session-Logout: all') {
    my ($mine, $victim) = map { logged_in('dora') } 1 .. 2;
    my $slow = $victim->clone->start($APP, wait => 'logout', h => [$asked],
        body => 'done');
    SxTest::reached('logout', 1);
    $mine->get($APP, h => ['Session-Logout: others']);
    SxTest::release('logout');
    my $r = $slow->finish;
    is($r->status . $r->text, '200done', "'$asked': its own answer is whole");
    unlike($r->header('Set-Cookie') || '', qr/^sid=\S{48}/,
        "'$asked': it gives no id");
    is(status($victim), 'invalid', "'$asked': nothing came back");
    is(status($mine), 'active', "'$asked': who ended it goes on");
    $mine->get($APP, h => ['Session-Logout: all']);
}

# An answer that failed is no reason to stay logged in.
my ($mine, $second) = map { logged_in('emil') } 1 .. 2;
$mine->get($APP, h => ['Session-Logout: others', 'Session-Set: a=1'],
    status => 500);
is(status($second), 'invalid', 'a 500 logs out all the same');
is($mine->get($APP)->env('SESSION_VAR_a'), undef, 'though it writes nothing');
$second = logged_in('emil');
$mine->get($APP, h => ['Session-Logout: others', 'Session-Set: =1']);
is(status($second), 'invalid', 'so does one beside a malformed command');
$second = logged_in('emil');
my $r = $mine->get($APP, h => ['Session-Logout: everybody',
    'Session-Set: a=1']);
is(status($second), 'active', 'a malformed one does not');
is($mine->get($APP)->env('SESSION_VAR_a'), undef,
    'and the data beside it are refused');

# Many at once: each ends the others, so one is left.
my @rivals = map { logged_in('fred') } 1 .. 8;
SxTest::parallel(8, sub {
    $rivals[$_[0]]->get($APP, h => ['Session-Logout: others'])->status;
});
cmp_ok(scalar(grep { status($_) eq 'active' } @rivals), '<=', 1,
    'of eight that log each other out at most one is left');
is(status(logged_in('fred')), 'active', 'and the user can log in');
SxTest::done();
