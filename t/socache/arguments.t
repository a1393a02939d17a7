# SPDX-License-Identifier: Apache-2.0
# What stands behind shm_store: in a line of a module that uses it.
use SxTest;
use SxTest::Refusal;

plan(skip_all => 'needs mod_authn_socache')
    unless SxTest::has('mod_authn_socache');
my $s = SxTest::Server->new(more => ['authn_socache']);

sub line
{
    return "AuthnCacheEnable\nAuthnCacheSOCache \"$_[0]\"";
}

my $ACCEPTED = 'Accepted are PATH, PATH(SIZE) and (SIZE), with a SIZE of 1m to';
SxTest::Refusal::refused($s,
    (map { [$_, line("shm_store:$_"), "'$_'", $ACCEPTED,
        'AuthnCacheSOCache: shm_store:', 'outside the range'] }
        'x(1023k)', 'x(0)', 'x(512000)', '(257g)'),
    (map { [$_, line("shm_store:$_"), "'$_'", $ACCEPTED, 'k, m or g'] }
        'x()', 'x(-1m)', 'x(size)', 'x(size=)', 'x(size=1x)', '(1.5m)'),
    (map { [$_, line("shm_store:$_"), "'$_'", $ACCEPTED, 'parenthesis'] }
        'x(1m', 'x1m)', 'x(1m)y'));
SxTest::Refusal::accepted($s,
    map { [$_, line($_)] } 'shm_store', 'shm_store:', 'shm_store:x',
    'shm_store:x(2m)', 'shm_store:x(size=2m)', 'shm_store:(2097152)');

# What only the start can tell.
sub start_fails
{
    my ($what, $conf, @needles) = @_;
    $s->write_conf($conf);
    my ($up, $text) = $s->try_start;
    ok(!$up, "refused at start: $what");
    is(join(', ', SxTest::Refusal::missing($text, @needles)), '',
        "and the log says why: $what") or diag($text);
    $s->stop;
    return;
}
start_fails('no such directory', line('shm_store:/no/such/place/x'),
    '/no/such/place/x', 'directory');
start_fails('the file of a ShmStore', "ShmStore x size=1m file=run/x.shm\n"
    . line('shm_store:x.shm(1m)'), 'x.shm');
my $two = "CacheSocache \"shm_store:y.shm(2m)\"\n"
    . line('shm_store:y.shm(1m)');
start_fails('one file with two sizes', $two, 'y.shm', 1048576, 2097152,
    'one size for one file');

# At a restart a mistake ends no server.
$s->write_conf(line('shm_store:y.shm(1m)'));
$s->start;
$s->write_conf($two);
$s->graceful;
is($s->browser->get('/x/static/1k.txt')->status, 200,
    'with a mistake in it a restart goes on');
like($s->error_log, qr/one size for one file/, 'and the log says so');
SxTest::done();
