# SPDX-License-Identifier: Apache-2.0
# SessionExtMaxPerUser: however many log-ins of one user there are at one
# moment, no more sessions of that user live than may, the last one among them.
use SxTest;
use SxTest::Tool;

use Time::HiRes qw(sleep);

my $APP = '/max-per-user/cgi/app';
my $DENY = '/max-deny/cgi/app';
my $turn = 0;

sub status { return $_[0]->get($APP)->env('SESSION_STATUS') }

sub living { return scalar grep { status($_) eq 'active' } @_ }

sub logged_in
{
    my ($user) = @_;
    my $b = SxTest->browser;
    $b->get($APP, h => ["Session-Set: user=$user"]);
    return $b;
}

# All at one instant: browsers with a session and without one.
sub log_in_at_once
{
    my ($app, $user, @clients) = @_;
    my @pending = map {
        $_->start($app, wait => 'login', body => 'welcome',
            h => ["Session-Set: user=$user&cart=1"])
    } @clients;
    SxTest::reached('login', scalar @clients);
    SxTest::release('login');
    return map { $_->finish } @pending;
}

for my $app ('cgi/app', SxTest::php() ? 'php/app.php' : 'sh/app') {
    my $user = 'alice' . ++$turn;
    my @first = map { logged_in($user) } 1 .. 3;
    my $other = logged_in("bert$turn");
    is(living(@first), 3, "$app: as many as may live");
    my @clients = map { SxTest->browser } 1 .. 24;
    $clients[$_]->get($APP, h => ['Session-Set: cart=9']) for 0 .. 11;
    my @answers = log_in_at_once("/max-per-user/$app", $user, @clients);
    is(scalar(grep { $_->status == 200 } @answers), 24,
        "$app: 24 log-ins at one instant are answered");
    is(living(@clients), 3, "$app: three sessions live");
    is(living(@first), 0, "$app: none of those from before");
    my $last = logged_in($user);
    is(living($last, @clients), 3, "$app: one more takes the oldest's place");
    is(status($last), 'active', "$app: and is in");
    is(status($other), 'active', "$app: another user's is not asked");
}

# One that had to go while its request ran.
{
    my $old = logged_in('carl');
    my $mark = SxTest::log_mark();
    my $slow = $old->clone->start($APP, wait => 'slow', body => 'done',
        h => ['Session-Set: late=1']);
    SxTest::reached('slow');
    my @new = map { logged_in('carl') } 1 .. 3;
    SxTest::release('slow');
    my $r = $slow->finish;
    is($r->status . $r->text, '200done', 'its answer is whole');
    is($r->header('Set-Cookie'), undef, 'it gives no id');
    is(status($old), 'invalid', 'and nothing came back');
    is(living(@new), 3, 'beside the three that are in');
    my $log = SxTest::error_log_since($mark);
    like($log, qr/logged in: 1 older of its user ended for it/,
        'the log says who had to go for whom');
    unlike($log, qr/carl/, 'without a name');
}

# Renewals by age, of all three and while others log in.
{
    my @in = map { logged_in('dora') } 1 .. 3;
    sleep 1.15;
    my @pending = map {
        my $b = $_;
        map { $b->clone->start($APP, wait => 'renew') } 1 .. 3
    } @in;
    my $new = SxTest->browser;
    push @pending, $new->start($APP, wait => 'renew',
        h => ['Session-Set: user=dora']);
    SxTest::reached('renew', 10);
    SxTest::release('renew');
    $_->finish for @pending;
    is(living($new, @in), 3, 'renewals beside a log-in: three live');
    is(status($new), 'active', 'the last one among them');
    sleep 1.1;
    is(living($new, @in), 3, 'also when the old ids are gone');
    logged_in('dora');
    is(living($new, @in), 2, 'and each still has its seat');
}

# Refused: the answer is not the app's.
{
    my @clients = map { SxTest->browser } 1 .. 16;
    $clients[$_]->get($DENY, h => ['Session-Set: cart=9']) for 0 .. 7;
    my $mark = SxTest::log_mark();
    my @answers = log_in_at_once($DENY, 'emil', @clients);
    my @in = grep { $answers[$_]->status == 200 } 0 .. 15;
    my @out = grep { $answers[$_]->status == 403 } 0 .. 15;
    is(@in . '+' . @out, '3+13', 'of 16 log-ins at one instant three succeed');
    is(scalar(grep { $_->text eq 'welcome' } @answers[@out]), 0,
        'the others are not told that they are in');
    is(scalar(grep { $_->env('REDIRECT_STATUS') == 403 } @answers[@out]), 13,
        'but get the ErrorDocument');
    is(scalar(grep { $clients[$_]->get($DENY)->env('SESSION_USER') } @in), 3,
        'who succeeded is in');
    is(scalar(grep { $clients[$_]->get($DENY)->env('SESSION_USER') } @out), 0,
        'who did not is not');
    is(scalar(grep { ($clients[$_]->get($DENY)->env('SESSION_VAR_cart') // 9)
            ne '9' } @out), 0, 'and has the session of before');
    my $log = SxTest::error_log_since($mark);
    my $said = () = $log =~ /notice\].*log-in refused/g;
    is($said, 13, 'the log has a line for each');
    unlike($log, qr/emil/, 'without a name');
    $clients[$in[0]]->get($DENY, h => ['Session-Destroy: on']);
    is($clients[$out[0]]->get($DENY, h => ['Session-Set: user=emil'])->status,
        200, 'one that logs out makes room');
}

# A snapshot has the registry, too.
{
    my $server = SxTest::Server->new(scopes => 1);
    my $dir = $server->runtime_dir;
    $server->write_conf("ShmStore seats size=4m file=$dir/s.shm"
        . " snapshot=$dir/snap\nSessionExtKeyFile $dir/keys\n"
        . "<Location /seats/>\nSessionExt On\nSessionExtStore shm:seats\n"
        . "SessionExtMaxPerUser 2\n</Location>");
    SxTest::Tool::tool('keygen', "$dir/keys");
    $server->start;
    my @b = map {
        my $b = $server->browser;
        $b->get('/seats/cgi/app', h => ['Session-Set: user=fred']);
        $b;
    } 1 .. 3;
    my $state = sub {
        return join ' ', map { $_->get('/seats/cgi/app')->env('SESSION_STATUS') } @b;
    };
    is($state->(), 'invalid active active', 'one had to go');
    $server->stop_whole;
    unlink "$dir/s.shm";
    $server->start;
    is($state->(), 'invalid active active', 'a snapshot brings the others back');
    push @b, $server->browser;
    $b[-1]->get('/seats/cgi/app', h => ['Session-Set: user=fred']);
    is($state->(), 'invalid invalid active active', 'and the order they had');
}
SxTest::done();
