# SPDX-License-Identifier: Apache-2.0
# SessionExtStore tier:FAST DURABLE: two servers, each with a segment of its own
# in front of one directory. What one writes the other sees, at once or after
# SessionExtTierMaxAge; a segment that is lost costs nothing.
use SxTest;
use SxTest::Keys;
use SxTest::Refusal;
use Time::HiRes qw(sleep time);

my $AGE = 3;

sub server
{
    my ($files) = @_;
    return SxTest::Server->new(scopes => 1, php => 1, conf => <<"CONF");
SessionExtKeyFile run/keys
<Location "/now/">
    SessionExt On
    SessionExtStore tier:shm file:$files
</Location>
<LocationMatch "^/(aged|sure)/">
    SessionExt On
    SessionExtStore tier:shm file:$files
    SessionExtTierMaxAge ${AGE}s
</LocationMatch>
<Location "/sure/">
    SessionExtOnStoreError 503
</Location>
CONF
}

my $one = server('run/sessions');
my $dir = $one->runtime_dir . '/sessions';
my $two = server($dir);
my $key = SxTest::Keys::line(1);
SxTest::Keys::put($_->runtime_dir . '/keys', $key) for $one, $two;
$_->start for $one, $two;
my %port = (one => $one->port, two => $two->port);

my ($NOW, $AGED) = ('/now/cgi/app', '/aged/cgi/app');
my $PHP = SxTest::php() ? '/aged/php/app.php' : $AGED;

# The same client, at one of the two.
sub at
{
    my ($who, $where, $path, @more) = @_;
    return $who->get($path, port => $port{$where}, @more);
}

sub status { return at(@_)->env('SESSION_STATUS') }
sub n { return at(@_)->env('SESSION_VAR_n') // 'nothing' }

# ---- two servers, one store --------------------------------------------------

my $b = $one->browser;
at($b, 'one', $NOW, h => ['Session-Set: n=0&user=alice', 'Session-Flash: info=Hi']);
my $r = at($b, 'two', $PHP);
is($r->env('SESSION_USER'), 'alice', 'what one server begins the other has');
is($r->env('FLASH_info'), 'Hi', 'messages, too');
is(at($b, 'one', $AGED)->env('FLASH_COUNT') // 0, 0, 'which are shown once');
for (1 .. 5) {
    at($b, $_, $NOW, h => ['Session-Incr: n=1']) for 'one', 'two';
    at($b, $_, $AGED, h => ['Session-Incr: n=1']) for 'one', 'two';
}
is(n($b, 'one', $NOW), 20, 'writes of both add up, whatever copies there are');
is(n($b, 'two', $NOW), 20, 'and both see it at once where that is asked for');

# A copy of this moment, and a write elsewhere.
sub leave_behind
{
    sleep $AGE;
    my $before = n($b, 'one', $AGED);
    my $begun = time;
    at($b, 'two', $NOW, h => ['Session-Incr: n=1']);
    return ($before, $begun);
}

my ($before, $begun) = leave_behind();
my $seen = n($b, 'one', $AGED);
ok(time - $begun >= $AGE || $seen == $before,
    'a copy may be older than another server\'s write');
is(n($b, 'one', $NOW), $before + 1, 'but not where SessionExtTierMaxAge is 0');
sleep 0.1 while time < $begun + $AGE + 0.2;
is(n($b, 'one', $AGED), $before + 1, 'and not for longer than it says');
($before, $begun) = leave_behind();
at($b, 'one', $AGED, h => ['Session-Incr: n=1']);
is(n($b, 'one', $AGED), $before + 2, 'who writes writes on top of what there is');

my @failed = SxTest::parallel(8, sub {
    my ($no) = @_;
    my $own = $b->clone;
    my ($done, $end, @wrong) = (0, time + 60);
    while ($done < 5 && time < $end) {
        my $new = $done + 1;
        my $wrote = at($own, 'one', '/sure/cgi/app', h => ["Session-Set: k$no=$new"]);
        # It waited for too long, and is told so.
        next if $wrote->status == 503;
        $done++;
        my $read = at($own, 'one', $PHP)->env("SESSION_VAR_k$no") // 'nothing';
        push @wrong, "$done, then $read" if $read ne $done;
    }
    return @wrong || $done < 5 ? "process $no: $done, @wrong" : '';
});
is(join('', @failed), '',
    'on one server everybody reads what was written, whoever answered');

# ---- ends --------------------------------------------------------------------

my @bert = map { $one->browser } 1 .. 2;
at($_, 'one', $NOW, h => ['Session-Set: user=bert']) for @bert;
is(status($bert[1], 'one', $AGED), 'active', 'bert is in twice');
$begun = time;
at($bert[0], 'two', $NOW, h => ['Session-Logout: others']);
is(status($bert[1], 'one', $NOW), 'invalid',
    'a logout everywhere is seen at once where copies are not asked for');
sleep 0.1 while time < $begun + $AGE + 0.2;
is(status($bert[1], 'one', $AGED), 'invalid', 'and in time where they are');
is(status($bert[0], 'one', $AGED), 'active', 'who was spared is in');
my $copy = $bert[0]->clone;
at($bert[0], 'one', $AGED, h => ['Session-Destroy: on']);
is(status($copy, $_, $AGED), 'invalid', "an end is one on server $_")
    for 'one', 'two';

# ---- FAST is lost ------------------------------------------------------------

my $n = n($b, 'one', $NOW);
$one->stop;
my ($segment) = glob $one->runtime_dir . '/*.shm';
ok($segment && unlink($segment), 'the segment of one server is deleted');
$one->start;
is(n($b, 'one', $AGED), $n, 'no session is lost by that');
is(status($bert[1], 'one', $AGED), 'invalid', 'and nobody is back');

# ---- DURABLE is lost ---------------------------------------------------------

n($b, 'one', $AGED);
sleep $AGE;
n($b, 'one', $AGED);
$begun = time;
chmod 0000, $dir or die "$dir: $!\n";
$r = at($b, 'one', $AGED);
ok(time - $begun >= $AGE || $r->env('SESSION_STATUS') eq 'active',
    'without the directory a young copy is given out');
is(status($b, 'one', $NOW), 'unavailable', 'but not where none may be');
sleep 0.1 while time < $begun + $AGE + 0.2;
$r = at($b, 'one', $AGED);
is($r->env('SESSION_STATUS'), 'unavailable', 'nor an old one');
is($r->header('Set-Cookie'), undef, 'and no cookie is touched');
chmod 0700, $dir or die "$dir: $!\n";
is(n($b, 'one', $AGED), $n, 'when it is back, all is there');

# ---- what httpd -t says --------------------------------------------------------

sub scope
{
    return "SessionExtKeyFile run/keys\n<Location /x/>\nSessionExt On\n"
        . "SessionExtStore $_[0]\n</Location>";
}

$two->stop;
SxTest::Refusal::refused($two,
    ['one store', scope('tier:shm'), 'SessionExtStore', "'tier:shm'",
        'accepted are two stores'],
    ['a tier of a tier', scope("tier:shm \"tier:shm file:$dir\""), 'tier:',
        'neither of its stores'],
    ['a cookie', scope('tier:cookie shm'), 'neither of its stores'],
    ['a cache to last', scope('tier:shm socache:shmcb'), 'can only be the first'],
    ['one store twice', scope('tier:shm shm:sessions'), 'the same one'],
    ['no such store', scope("tier:shm:shop file:$dir"), "no ShmStore 'shop'"],
    ['a word too many', scope("shm file:$dir"), 'only behind tier:FAST'],
    ['a store of a group', "ShmStore pool group=www-data\n"
        . scope("tier:shm:pool file:$dir"), "'pool'", 'open to a group'],
    ['keys that do not last', scope("tier:shm file:$dir") =~ s/.*?\n//r,
        'outlive a reboot', 'SessionExtKeyFile'],
    ['no time', "SessionExtTierMaxAge soon", 'SessionExtTierMaxAge', "'soon'"],
);
SxTest::Refusal::accepted($two,
    ['a tier in quotes', scope("\"tier:shm file:$dir\"")],
    ['a cache in front', scope("tier:socache:shmcb file:$dir")]);
SxTest::done();
