# SPDX-License-Identifier: Apache-2.0
# SessionMaxAge: a session ends that long after its last request, by our clock;
# who only looks costs nothing; and a log-in with the cookie of a session that
# has ended is one.
use SxTest;
use SxTest::ModSession qw(server log_in on);
use SxTest::Segment;
use Time::HiRes qw(sleep);

my $s = server("SessionMaxAge 2\nSessionExtTouchInterval 0\n"
    . "<Location \"/app/\">\n"
    . on('SessionEnv On', 'SessionHeader X-Session') . "</Location>\n"
    . "<Location \"/shorter/\">\n" . on('SessionExtIdleTimeout 1')
    . "</Location>\n<Location \"/longer/\">\n"
    . on('SessionExtIdleTimeout 1h', 'SessionMaxAge 1800') . "</Location>\n"
    . "<Location \"/max/\">\n" . on('SessionMaxAge 5000') . "</Location>\n");
$s->start;

# Visitors.
my $b = $s->browser;
for my $path (qw(/app/cgi/app /app/static/1k.txt /app/static/none)) {
    my $r = $b->get($path);
    is($r->header('Set-Cookie'), undef, "$path: who only looks gets no cookie");
}
is($b->get('/app/static/1k.txt')->header('Vary'), undef,
    'a file that nobody looks at is for all');

# What is left is told by the session, and by mod_session in microseconds.
$b->get('/app/cgi/app', h => ['X-Session: a=1']);
my $r = $b->get('/app/cgi/app');
is($r->env('SESSION_IDLE_LEFT'), '2', 'SessionMaxAge is an idle timeout');
like($r->env('HTTP_SESSION'), qr/^a=1&expiry=\d{16}$/, 'SessionEnv shows it');
my ($expiry) = $r->env('HTTP_SESSION') =~ /expiry=(\d+)\d{6}/;
ok($expiry >= time && $expiry <= time + 2, 'which is now and two seconds');
is($r->env('SESSION_DATA'), 'a=1', 'and is no key of the session');
is($r->header('Set-Cookie'), undef, 'time that goes on sets no cookie');
is($b->get('/max/cgi/app')->env('SESSION_IDLE_LEFT'), '5000',
    'it may be longer than ours by default');
is($b->get('/longer/cgi/app')->env('SESSION_IDLE_LEFT'), '1800',
    'of two that are said');
is($b->get('/shorter/cgi/app')->env('SESSION_IDLE_LEFT'), '1',
    'the shorter one holds');

# Each request moves the end.
$b = $s->browser;
$b->get('/app/cgi/app', h => ['X-Session: a=1']);
for (1 .. 5) {
    sleep 0.6;
    $r = $b->get('/app/cgi/app');
}
is($r->env('SESSION_STATUS'), 'active', 'who comes again stays');

# A request that takes longer than its session may write all the same.
$r = $b->get('/app/cgi/app', sleep => 2.5, h => ['X-Session: slow=1']);
is($r->status, 200, 'a slow request is answered');
is($b->get('/app/cgi/app')->env('SESSION_DATA'), 'a=1&slow=1',
    'and what it wrote is there, beside what was');

sleep 2.3;
is($b->get('/app/cgi/app')->env('SESSION_STATUS'), 'invalid',
    'who does not is gone');
ok(defined $b->cookie('sid'), 'the browser has its cookie still');
my $dead = $b->cookie('sid');
$r = log_in($b, 'ann', field => { httpd_location => '/form/cgi/app' });
is($r->status, 302, 'a log-in by that is accepted');
isnt($b->cookie('sid'), $dead, 'with an id of its own');
is($b->get('/form/cgi/app')->env('REMOTE_USER'), 'ann', 'and is one');
SxTest::done();
