# SPDX-License-Identifier: Apache-2.0
# SessionHeader and SessionEnv: apps written for mod_session read and change our
# session, and what they change is that alone.
use SxTest;
use SxTest::ModSession qw(server log_in on);

my $s = server('SessionExtUserKey Shop-user' . "\n<Location \"/app/\">\n"
    . on('SessionEnv On', 'SessionHeader X-Session') . "</Location>\n"
    . "<Location \"/noenv/\">\n" . on('SessionHeader X-Session')
    . "</Location>\n");
$s->start;
my $b = $s->browser;

sub put
{
    my ($what, @more) = @_;
    return $b->get('/app/cgi/app', h => ["X-Session: $what"], @more);
}
sub data { return $b->get('/app/cgi/app')->env('SESSION_DATA') }

my $r = $b->get('/app/cgi/app');
is($r->header('Set-Cookie'), undef, 'reading begins no session');
is($r->env('HTTP_SESSION'), '', 'and there is none to see');
$r = put('a=1&b=two+words%21');
is(scalar(() = $r->headers('Set-Cookie')), 1, 'writing begins one');
is($r->header('X-Session'), undef, 'the header does not leave');
$r = $b->get('/app/cgi/app');
is($r->env('HTTP_SESSION'), 'a=1&b=two+words%21', 'SessionEnv shows it');
is($r->env('SESSION_VAR_a'), '1', 'and so do our variables');
is($r->env('SESSION_VERSION'), '1', 'it was one write');
is($r->header('Set-Cookie'), undef, 'reading sets no cookie');
put('a=&c=3');
is(data(), 'b=two+words%21&c=3', 'an empty value takes a key away');
put('b=two+words%21');
is($b->get('/app/cgi/app')->env('SESSION_VERSION'), '2',
    'the same value once more is no change');
put('c=&C=0');
is(data(), 'b=two+words%21&c=0', 'a name in another case is the same key');
put('c=3');
$b->get('/app/cgi/app', h => ['Session-Set: d=4&C=5', 'X-Session: e=6']);
is(data(), 'b=two+words%21&c=3&d=4&C=5&e=6', 'both kinds of header go together');
is($b->get('/app/cgi/app')->env('HTTP_SESSION'),
    'b=two+words%21&c=3&d=4&e=6',
    'of names that differ by case mod_session sees the first');
put('c=7');
is(data(), 'b=two+words%21&c=7&d=4&C=5&e=6', 'and changes that');
$b->get('/app/cgi/app', h => ['Session-Set: expiry=never&n=a%00b']);
is($b->get('/app/cgi/app')->env('HTTP_SESSION'),
    'b=two+words%21&c=7&d=4&e=6',
    'what its text cannot hold it does not see');
put('c=8');
like(data(), qr/c=8.*&expiry=never&n=a%00b$/, 'nor take away');

# Whatever the answer is.
put("s$_=1", status => $_) for 302, 404, 500;
like(data(), qr/s302=1&s404=1&s500=1/,
    'redirects and errors keep what was written');
$b->get('/app/cgi/app', h => ['X-Session: local=1', 'Location: /app/static/1k.txt']);
like(data(), qr/local=1/, 'an internal redirect does, too');
$r = $b->get('/app/cgi/app', h => ["X-Session: @{['k' x 129]}=1"]);
is($r->status, 200, 'a name that is too long harms no answer');
unlike(data(), qr/kkk/, 'and is not kept');
like($s->error_log, qr/a name in mod_session's session has 1 to 128 bytes/,
    'as the log says');

# An app ends its session.
my $late = $b->clone;
$r = put('expiry=1');
is($b->cookie('sid'), undef, 'an expiry that is past ends the session');
is($late->get('/app/cgi/app')->env('SESSION_STATUS'), 'invalid', 'for all');

# A log-in at mod_auth_form is seen, its password is not.
log_in($b, 'ann');
$r = $b->get('/app/cgi/app');
is($r->env('HTTP_SESSION'), 'Shop-user=ann', 'SessionEnv shows no password');
$b->get('/app/cgi/app', h => ['X-Session: Shop-user=ann&z=1']);
is($b->get('/form/cgi/app')->status, 200,
    'an app that writes back what it saw keeps the log-in');

# Nobody poses as the session.
for my $scope (qw(app noenv)) {
    $r = $b->get("/$scope/cgi/app", header => { Session => 'user=eve' });
    unlike($r->env('HTTP_SESSION') // '', qr/eve/,
        "$scope: a client's header is not the session");
}
SxTest::done();
