# SPDX-License-Identifier: Apache-2.0
# SessionExtStore socache:PROVIDER: sessions in caches of httpd, as in any store.
# What a cache forgets has ended and revives nobody; one that cannot be asked is
# no cache that has nothing.
use SxTest;
use SxTest::Daemon;
use SxTest::Refusal;
use Time::HiRes qw(sleep time);

my $memcached = SxTest::Paths::free_port();
my @providers = (
    # name, argument, does it keep sessions over a restart of httpd
    ['memcache', ":127.0.0.1:$memcached", 1],
    ['shmcb', ':run/sessions.cb(4000000)', 0],
    ['dbm', ':run/sessions.db', 1],
    ['shm_store', ':sessions.shm(4m)', 1],
);
my $conf = join '', map { <<"CONF" } @providers;
<LocationMatch "^/$_->[0](-sure)?/">
    SessionExt On
    SessionExtStore "socache:$_->[0]$_->[1]"
    SessionExtMaxSize 512
    SessionExtCookie name=$_->[0]
</LocationMatch>
<Location "/$_->[0]-sure/">
    SessionExtOnStoreError 503
</Location>
CONF
# shmcb is there by itself.
my $server = SxTest::Server->new(scopes => 1, php => 1, conf => $conf,
    more => ['socache_memcache', 'socache_dbm']);

sub memcached
{
    return SxTest::Daemon->start(name => 'memcached', port => $memcached,
        command => [qw(memcached -l 127.0.0.1 -U 0 -m 64 -p PORT)]);
}

my $daemon = memcached();

sub status { return $_[0]->get($_[1])->env('SESSION_STATUS') }

# ---- what holds of sessions ----------------------------------------------------

sub life_of
{
    my ($name) = @_;
    my ($app, $php) = ("/$name/cgi/app",
        SxTest::php() ? "/$name/php/app.php" : "/$name/cgi/app");
    my $b = $server->browser;
    is(status($b, $app), 'none', "$name: at first there is no session");
    $b->get($app, h => ['Session-Set: role=staff&n=0&user=alice',
        'Session-Flash: info=Welcome'], status => 302);
    my $r = $b->get($php);
    is($r->env('SESSION_VAR_role'), 'staff', 'one app writes, another reads');
    is($r->env('FLASH_info'), 'Welcome', 'a message is shown');
    is($b->get($php)->env('FLASH_COUNT') // 0, 0, 'once');

    # Who waited for too long is told by 503, and comes again.
    my @done = SxTest::parallel(8, sub {
        my ($done, $end) = (0, time + 60);
        while ($done < 5 && time < $end) {
            $done++ if $b->clone->get("/$name-sure/cgi/app",
                h => ['Session-Incr: n=1'])->status == 200;
        }
        return $done;
    });
    is("@done", join(' ', (5) x 8), '40 increments are confirmed');
    is($b->get($app)->env('SESSION_VAR_n'), '40', 'and none is lost');

    my $ended = $server->browser;
    $ended->get($app, h => ['Session-Set: user=bert']);
    my $late = $ended->clone;
    my $writer = $late->start($app, wait => "door-$name", h => ['Session-Set: a=1']);
    SxTest::reached("door-$name");
    $ended->get($app, h => ['Session-Destroy: on']);
    SxTest::release("door-$name");
    is($writer->finish->status, 200, 'a writer that comes too late is answered');
    is(status($late, $app), 'invalid', 'and does not bring back what was destroyed');
    my @carl = map { $server->browser } 1 .. 3;
    $_->get($app, h => ['Session-Set: user=carl']) for @carl;
    $carl[0]->get($app, h => ['Session-Logout: others']);
    is(join(' ', map { status($_, $app) } @carl), 'active invalid invalid',
        'a logout ends the sessions of its user');
    return { browser => $b, app => $app, out => $carl[1] };
}

$server->start;
my %life = map { $_->[0] => life_of($_->[0]) } @providers;

# ---- restarts of httpd ---------------------------------------------------------

sub after
{
    my ($what) = @_;
    for (@providers) {
        my ($name, undef, $keeps) = @$_;
        my $life = $life{$name};
        is(status($life->{browser}, $life->{app}), $keeps ? 'active' : 'invalid',
            "$name: after $what sessions are " . ($keeps ? 'there' : 'gone'));
        is(status($life->{out}, $life->{app}), 'invalid',
            'and who was logged out is out');
    }
    return;
}

$server->graceful;
after('a graceful restart');
$server->stop;
$server->start;
after('stop and start');

# ---- memcached goes, and comes without what it had -----------------------------

my ($b, $app, $out) = @{ $life{memcache} }{qw(browser app out)};
my $fresh = $server->browser;
$fresh->get($app, h => ['Session-Set: user=dora']);
my $copy = $fresh->clone;
$daemon->stop;
my $mark = $server->log_mark;
my $r = $b->get($app);
is($r->env('SESSION_STATUS'), 'unavailable', 'a cache that is not there is no miss');
is($r->header('Set-Cookie'), undef, 'and no cookie is touched');
is($b->get($app, h => ['Session-Set: a=1'])->header('Set-Cookie'), undef,
    'not by a write either');
is($fresh->get($app, h => ['Session-Destroy: on'])->status, 503,
    'an end that cannot be made is told');
like($server->error_log_since($mark), qr/unavailable/, 'the log says what is lost');
$daemon = memcached();

# Each process looks for it once in five seconds.
sub settled
{
    my ($who, $end) = ($_[0], time + 20);
    my $is;
    sleep 0.2 while ($is = status($who, $app)) eq 'unavailable' && time < $end;
    return $is;
}

is(settled($b), 'invalid', 'when it is back, what it had is gone');
is(settled($copy), 'invalid', 'all of it');
is(settled($out), 'invalid', 'and nobody is in who was out');
for (1 .. 100) {
    last if ($b->get($app, h => ['Session-Set: n=1'])->header('Set-Cookie') // '')
        =~ /^memcache=/;
    sleep 0.2;
}
is(settled($b), 'active', 'a new session begins');

# ---- what httpd -t says --------------------------------------------------------

sub scope { return "<Location /x/>\nSessionExt On\nSessionExtStore $_[0]\n</Location>" }

$server->stop;
SxTest::Refusal::refused($server,
    ['no provider', scope('socache:'), 'SessionExtStore', "'socache:'",
        'name of a provider'],
    ['one that is not there', scope('socache:redis:localhost'),
        "'socache:redis:localhost'", 'mod_socache_redis', 'shmcb'],
    ['arguments that its provider refuses', scope('socache:memcache'),
        "'socache:memcache'", 'server names'],
    ['several memcacheds', scope('"socache:memcache:a:1,b:1"'), 'accepted is one'],
    ['sessions too large for dbm', scope('socache:dbm'), 'SessionExtMaxSize',
        '65536', '512'],
    ['PHP', scope("socache:shmcb\nSessionExtPHP On"), 'SessionExtPHP',
        'sessions in a cache'],
);
SxTest::done();
