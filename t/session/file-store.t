# SPDX-License-Identifier: Apache-2.0
# SessionExtStore file:DIR: apps notice nothing of it; what was confirmed outlives
# the death of the server, an end is one, and what cannot be read is no miss.
use SxTest;
use SxTest::Keys;
use Time::HiRes qw(sleep time);

my $server = SxTest::Server->new(scopes => 1, php => 1, conf => <<'EOF2');
SessionExtKeyFile run/keys
ExtendedStatus On
<Location "/server-status">
    SetHandler server-status
</Location>
<Location "/kept/">
    SessionExt On
    SessionExtStore file:run/sessions/
</Location>
EOF2
my $dir = $server->runtime_dir . '/sessions';
my $APP = '/kept/cgi/app';
my $PHP = SxTest::php() ? '/kept/php/app.php' : $APP;

SxTest::Keys::put($server->runtime_dir . '/keys', SxTest::Keys::line(1));

# What is not there any more is empty.
sub slurp
{
    my ($file) = @_;
    open my $in, '<:raw', $file or return '';
    local $/;
    return scalar <$in>;
}

sub spew
{
    my ($file, $bytes) = @_;
    open my $out, '+<:raw', $file or die "$file: $!\n";
    print $out $bytes;
    close $out or die "$file: $!\n";
    return;
}

sub records { return grep { m{/[0-9a-f]{64}\z} } glob "$dir/[0-9a-f][0-9a-f]/*" }
sub mode { return sprintf '%04o', (stat $_[0])[2] & 07777 }
sub status { return $_[0]->get($APP)->env('SESSION_STATUS') }

sub figure
{
    my ($name) = @_;
    my $text = $server->browser->get('/server-status?auto')->body;
    return $text =~ /^SessionExtStore-file:\S+-$name: (\d+)$/m ? $1 : undef;
}

# ---- a life ------------------------------------------------------------------

my ($code) = $server->configtest;
ok($code == 0 && !-e $dir, 'httpd -t accepts a directory to be, and makes none');
$server->start;
is(mode($dir), '0700', 'the server makes it, for itself alone');
my $b = $server->browser;
is($b->get($APP)->env('SESSION_STATUS'), 'none', 'at first there is no session');
is(scalar records(), 0, 'and reading makes no file');
my $r = $b->get($APP, h => ['Session-Set: role=staff&n=0&user=alice',
    'Session-Flash: info=Welcome'], status => 302);
$r = $b->get($PHP);
is($r->env('SESSION_VAR_role'), 'staff', 'one app writes, another reads');
is($r->env('FLASH_info'), 'Welcome', 'a message is shown');
is($b->get($PHP)->env('FLASH_COUNT') // 0, 0, 'once');

my ($file) = grep { slurp($_) =~ /\ASXR1\x02/ } records();
is(mode($file), '0600', 'a record is a file of its own');
my $id = $b->cookie('sid');
my @telling = grep { slurp($_) =~ /\Q$id\E|staff|alice|Welcome/ || /\Q$id\E/ }
    records();
is("@telling", '', 'neither its name nor what is in it tells an id or a value');

my @failed = SxTest::parallel(8, sub {
    return scalar grep {
        $b->clone->get($PHP, h => ['Session-Incr: n=1'])->status != 200 } 1 .. 10;
});
is("@failed", join(' ', (0) x 8), '80 increments are answered');
is($b->get($APP)->env('SESSION_VAR_n'), '80', 'and none is lost');

# ---- ends --------------------------------------------------------------------

my $ended = $server->browser;
$ended->get($APP, h => ['Session-Set: user=bert']);
my $late = $ended->clone;
my $writer = $late->start($APP, wait => 'door', h => ['Session-Set: a=1']);
SxTest::reached('door');
$ended->get($APP, h => ['Session-Destroy: on']);
SxTest::release('door');
is($writer->finish->status, 200, 'a writer that comes too late is answered');
is(status($late), 'invalid', 'and does not bring back what was destroyed');
my @carl = map { $server->browser } 1 .. 3;
$_->get($APP, h => ['Session-Set: user=carl']) for @carl;
$carl[0]->get($APP, h => ['Session-Logout: others']);
is(join(' ', map { status($_) } @carl), 'active invalid invalid',
    'a logout ends the sessions of its user');

# ---- the server goes and comes -----------------------------------------------

$server->graceful;
is($b->get($APP)->env('SESSION_VAR_n'), '80', 'a graceful restart loses nothing');
$server->stop;
$server->start;
is($b->get($APP)->env('SESSION_VAR_n'), '80', 'nor does stop and start');
is(join(' ', map { status($_) } @carl), 'active invalid invalid',
    'and nobody who was ended is back');

# Clients that count what was confirmed, until the server is killed under them.
sub client
{
    my ($no) = @_;
    my $own = $server->browser;
    my ($sure, $end) = (0, time + 30);
    while (time < $end) {
        my $answer = $own->get($APP, h => ['Session-Incr: n=1'], timeout => 5);
        last if $answer->status != 200 || $answer->error;
        $sure++;
    }
    return { sure => $sure, browser => $own };
}

sub killer
{
    sleep 1.5;
    kill KILL => $server->pid, $server->children;
    return;
}

for my $round (1 .. ($ENV{SXTEST_LONG} ? 20 : 2)) {
    my (undef, @clients) = SxTest::parallel(4,
        sub { return $_[0] ? client($_[0]) : killer() });
    $server->stop;
    $server->start;
    my @wrong = grep {
        my $n = $_->{browser}->get($APP)->env('SESSION_VAR_n') // 'nothing';
        $n eq 'nothing' || $n < $_->{sure} || $n > $_->{sure} + 1;
    } @clients;
    my $sure = 0;
    $sure += $_->{sure} for @clients;
    cmp_ok($sure, '>', 3, "round $round: the server was killed at work");
    is(scalar @wrong, 0, 'and nothing that it had confirmed is lost');
}

# ---- what cannot be read -----------------------------------------------------

chmod 0000, $dir or die "$dir: $!\n";
my $mark = $server->log_mark;
$r = $b->get($APP);
chmod 0700, $dir or die "$dir: $!\n";
is($r->env('SESSION_STATUS'), 'unavailable', 'a store that fails is no miss');
is($r->header('Set-Cookie'), undef, 'and no cookie is touched');
like($server->error_log_since($mark), qr/store in \Q$dir\E: .*denied/,
    'the log says what and where');
is(status($b), 'active', 'when it is back, all is there');

my $spoiled = $server->browser;
my %before = map { $_ => 1 } records();
$spoiled->get($APP, h => ['Session-Set: a=1']);
my ($new) = grep { !$before{$_} } records();
my $bytes = slurp($new);
substr($bytes, -1) ^= "\1";
spew($new, $bytes);
$mark = $server->log_mark;
is(status($spoiled), 'invalid', 'a damaged record is no session');
like($server->error_log_since($mark), qr/failed its check and was set aside/,
    'which the log says');
my ($name) = $new =~ m{([^/]+)\z};
ok(!-e $new && -e "$dir/damaged/$name", 'and it is set aside');
is(figure('damaged'), 1, 'and counted');

# ---- sweeping ----------------------------------------------------------------

# SipHash-2-4 as DIR/store is checked by it.
sub siphash
{
    my ($data) = @_;
    use integer;
    no warnings 'portable';    # 64 bits are what this is about
    my ($k0, $k1) = unpack 'q<2', "session records\0";
    my @v = ($k0 ^ 0x736f6d6570736575, $k1 ^ 0x646f72616e646f6d,
        $k0 ^ 0x6c7967656e657261, $k1 ^ 0x7465646279746573);
    my $turn = sub {
        my ($x, $n) = @_;
        return $x << $n | $x >> 64 - $n & (1 << $n) - 1;
    };
    my $round = sub {
        $v[0] += $v[1]; $v[1] = $turn->($v[1], 13) ^ $v[0];
        $v[0] = $turn->($v[0], 32);
        $v[2] += $v[3]; $v[3] = $turn->($v[3], 16) ^ $v[2];
        $v[0] += $v[3]; $v[3] = $turn->($v[3], 21) ^ $v[0];
        $v[2] += $v[1]; $v[1] = $turn->($v[1], 17) ^ $v[2];
        $v[2] = $turn->($v[2], 32);
    };
    my $padded = $data . "\0" x (7 - length($data) % 8) . chr(length($data) % 256);
    for my $word (unpack 'q<*', $padded) {
        $v[3] ^= $word;
        $round->() for 1 .. 2;
        $v[0] ^= $word;
    }
    $v[2] ^= 0xff;
    $round->() for 1 .. 4;
    return pack 'q<', $v[0] ^ $v[1] ^ $v[2] ^ $v[3];
}

# As if the host had been off for two days: another boot, and a later time.
$server->stop;
my $facts = slurp("$dir/store");
is(siphash(substr $facts, 0, 40), substr($facts, 40), 'the test knows the check');
substr($facts, 16, 8) = "\0" x 8;
substr($facts, 32, 8) = pack 'q<', 1000 * (time + 2 * 86_400);
substr($facts, 40, 8) = siphash(substr $facts, 0, 40);
spew("$dir/store", $facts);
my $had = grep { slurp($_) =~ /\ASXR1[\x01\x02]/ } records();
cmp_ok($had, '>', 3, 'there is something to sweep');
$server->start;
is(status($b), 'invalid', 'after two days off a session has ended');
my $end = time + 30;
sleep 0.2 while time < $end && grep { slurp($_) =~ /\ASXR1[\x01\x02]/ } records();
is(scalar(grep { slurp($_) =~ /\ASXR1[\x01\x02]/ } records()), 0,
    'and what has ended is freed by itself');
# The last one is counted behind its end.
sleep 0.1 while time < $end && figure('swept') < $had;
cmp_ok(figure('swept'), '>=', $had, 'and counted');
cmp_ok(scalar records(), '>', 0, 'but who was logged out remains so');
SxTest::done();
