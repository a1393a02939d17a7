# SPDX-License-Identifier: Apache-2.0
# htsession logout ends all sessions of one user while the server runs, and
# list and show know them no longer.
use SxTest;
use File::Temp qw(tempdir);
use JSON::PP qw(decode_json);
use SxTest::Tool qw(tool segment_of);

my $dir = tempdir('sxt-XXXXXX', TMPDIR => 1, CLEANUP => 1);
my $keys = "$dir/keys";
tool('keygen', $keys);
my $server = SxTest::Server->new(scopes => 1, conf => <<"EOT");
SessionExtKeyFile "$keys"
SessionExtNamespace shop
EOT
$server->start;
my $file = segment_of($server);
my @of = ('--namespace', 'shop', '--keys', $keys);

sub visitor
{
    my ($command) = @_;
    my $b = $server->browser;
    $b->get('/s/cgi/app', h => ["Session-Set: $command"]);
    return $b;
}

sub status { return $_[0]->get('/s/cgi/app')->env('SESSION_STATUS') }

sub handles
{
    my $list = (tool('--json', 'list', @_, $file))[1];
    return join ' ', sort map { $_->{handle} } @{ decode_json($list) };
}

my @bert = map { visitor('user=bert') } 1 .. 3;
my ($anna, $nobody) = map { visitor($_) } 'user=anna', 'cart=1';
my $handle = $bert[0]->get('/s/cgi/app')->env('SESSION_HANDLE');
my $left = join ' ', sort map { $_->get('/s/cgi/app')->env('SESSION_HANDLE') }
    $anna, $nobody;
select undef, undef, undef, 0.3;

my ($status, $out, $err) = tool('--json', 'logout', $file, 'bert', @of);
is($status, 0, 'logout: done');
is_deeply(decode_json($out), { sessions => 3 }, 'it says how many there were');
is(status($_), 'invalid', 'a session of that user has ended') for @bert;
is(status($_), 'active', 'another has not') for $anna, $nobody;
is(handles(), $left, 'list shows the others');
is(handles('--user', 'bert', @of), '', 'and none of that user');
is((tool('show', $file, $handle))[0], 1, 'nor does show know one');
($status, $out, $err) = tool('logout', $file, 'bert', @of);
is($status, 1, 'a second time there is nobody to log out');
like($err, qr/no live session of that user/, 'which is told');

my $again = visitor('user=bert');
is(status($again), 'active', 'who logs in again is in');
is(handles('--user', 'bert', @of),
    $again->get('/s/cgi/app')->env('SESSION_HANDLE'), 'and listed');
($status, $out) = tool('logout', $file, 'bert', @of);
is("$status $out", "0 logged out; sessions ended: 1\n", 'as text');
is((tool('logout', $file, 'anna', '--namespace', 'other', '--keys',
    $keys))[0], 1, 'a user of another namespace is another one');
is((tool('logout', $file, 'anna', '--namespace', 'shop', '--keys',
    "$dir/none"))[0], 3, 'a key file that is not there is told');
is((tool(@$_))[0], 2, "'@$_' is wrong usage")
    for ['logout', $file, 'anna'], ['logout', $file, @of],
    ['logout', $file, 'anna', '--user', 'anna', @of],
    ['show', $file, $handle, @of];
is(status($anna), 'active', 'and none of these ended anything');
is((tool('check', $file))[0], 0, 'the store is sound');
SxTest::done();
