# SPDX-License-Identifier: Apache-2.0
# htsession copy: a site moves from shared memory to a directory and back, while
# its server runs, and whoever is logged in stays so; what was logged out does
# not come back.
use SxTest;
use SxTest::Keys;
use JSON::PP qw(decode_json);
use SxTest::Tool qw(tool segment_of);

SxTest::timeout(240);
my $s = SxTest::Server->new;
my $who = SxTest::Paths::test_user();
my $dir = $s->root . '/sessions';
my $file = "file:$dir";
my $APP = '/s/cgi/app';
SxTest::Keys::put($s->runtime_dir . '/keys', SxTest::Keys::line(1));
mkdir $dir, 0700 or die "$dir: $!\n";
chown $who->{uid}, $who->{gid}, $dir if !$>;

sub conf
{
    my ($store) = @_;
    return <<"EOT";
SessionExtKeyFile run/keys
<Location "/s/">
    SessionExt On
    SessionExtStore $store
    SessionExtMaxPerUser 3
</Location>
EOT
}

sub visitor
{
    my ($command) = @_;
    my $b = $s->browser;
    $b->get($APP, h => ["Session-Set: $command"]);
    return $b;
}

sub env { return $_[0]->get($APP)->env($_[1]) // '-' }
sub status { return env($_[0], 'SESSION_STATUS') }

# What a copy says, which must be done.
sub copied
{
    my ($from, $to, $label) = @_;
    my ($status, $out, $err) = tool('--json', 'copy', $from, $to);
    is($status, 0, $label) or diag($err);
    is($err, '', 'without a word of trouble');
    return decode_json($out);
}

$s->write_conf(conf('shm'))->start;
my $shm = segment_of($s);
my ($anna, $bert, $carl) = map { visitor("user=$_&n=1") } qw(anna bert carl);
my $guest = visitor('cart=3');
my $handle = env($anna, 'SESSION_HANDLE');
$anna->get($APP, h => ['Session-Flash: info=Saved'], status => 302);
visitor('user=dora')->get($APP, h => ['Session-Logout: all']);
my $dora = visitor('user=dora');

# --- while writers are at work ------------------------------------------------
my ($copies, @worked) = SxTest::parallel(3, sub {
    my ($i) = @_;
    if ($i == 0) {
        return scalar grep { (tool('copy', $shm, $file))[0] == 0 } 1 .. 5;
    }
    my $b = $s->browser;
    return scalar grep { $b->get($APP, h => ['Session-Incr: n=1'])->status
            == 200 } 1 .. 40;
});
is("$copies @worked", '5 40 40', 'copies disturb no request, nor requests them');

# --- to the directory ---------------------------------------------------------
my $before = $bert->clone;
my $done = copied($shm, $file, 'a copy before the server is told');
is($done->{carried}, 0, 'all is there already');
$bert->get($APP, h => ['Session-Destroy: on']);
$carl->get($APP, h => ['Session-Incr: n=1']);
my $eve = visitor('user=eve');
$done = copied($shm, $file, 'and one at the last moment');
cmp_ok($done->{ended}, '>=', 1, 'which ends what has ended');
$s->write_conf(conf($file))->graceful;
$done = copied($shm, $file, 'and one behind it');
is("$done->{damaged} $done->{refused} $done->{over_there}", '0 0 0',
    'which has nothing to say');
my $page = $anna->get($APP);
is($page->env('SESSION_USER') . ' ' . $page->env('SESSION_HANDLE'),
    "anna $handle", 'who was logged in is');
is($page->env('FLASH_info'), 'Saved', 'with the message that was not shown yet');
is(env($anna, 'FLASH_info'), '-', 'which is shown once');
is(env($carl, 'SESSION_VAR_n'), '2', 'what was written last is there');
is(status($before), 'invalid', 'who was logged out is not in');
is(env($eve, 'SESSION_USER'), 'eve', 'and who logged in late is');
is(env($guest, 'SESSION_VAR_cart'), '3', 'a guest keeps the cart');
is(status($dora), 'active', 'who came back after a log-out everywhere is in');

# --- and back -----------------------------------------------------------------
my $thief = $carl->clone;
visitor('user=carl')->get($APP, h => ['Session-Logout: all']);
$guest->get($APP, h => ['Session-Incr: cart=1']);
my $old = $dora->clone;
$dora->get($APP, h => ['Session-Renew: on']);
$done = copied($file, $shm, 'a copy back');
is($done->{over_there}, 0, 'in which nothing is missing');
$s->write_conf(conf('shm'))->graceful;
copied($file, $shm, 'and one behind it');
is(env($anna, 'SESSION_USER'), 'anna', 'who is logged in is in');
is(env($guest, 'SESSION_VAR_cart'), '4', 'what was written in files is there');
is(status($thief), 'invalid', 'a log-out everywhere in files holds');
is(status($old), 'invalid', 'an id that was renewed there is dead');
is(env($dora, 'SESSION_USER'), 'dora', 'and the one that followed lives');
$done = copied($file, $shm, 'a copy more');
is($done->{carried} + $done->{replaced} + $done->{ended}, 0,
    'has nothing to do');
is((tool('check', $shm))[0], 0, 'the store is sound');

# --- what cannot be copied ----------------------------------------------------
my ($status, $out, $err) = tool('copy', $shm, "shm:$shm");
is($status, 2, 'a store is not copied to itself');
like($err, qr/one store/, 'which is told');
is((tool('copy', $shm))[0], 2, 'nor to nowhere');
is((tool('copy', $shm, "$file.none"))[0], 3, 'nor to what is not there');
is((tool('copy', "$file.none", $shm))[0], 3, 'nor from there');
SxTest::done();
