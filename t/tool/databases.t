# SPDX-License-Identifier: Apache-2.0
# The tool on PostgreSQL and MariaDB, while httpd has the same table: sessions are
# carried there, looked at, ended, swept, and carried away again.
use SxTest;
use JSON::PP qw(decode_json);
use SxTest::Database;
use SxTest::File qw(spew);
use SxTest::Keys;
use SxTest::Tool qw(tool tool_fed segment_of);
use Time::HiRes qw(sleep time);

my ($what, $s, $database, @user);

sub label { return "$what: $_[0]" }

sub env
{
    my ($browser, $name) = @_;
    return $browser->get('/d/cgi/app')->env($name) // '-';
}

# Its children may still look for their database.
sub status
{
    my ($browser) = @_;
    my ($status, $end) = ('', time + 20);
    while (time < $end) {
        $status = env($browser, 'SESSION_STATUS');
        last if $status ne 'unavailable';
        sleep 0.1;
    }
    return $status;
}

sub visitor
{
    my ($command) = @_;
    my $b = $s->browser;
    $b->get('/s/cgi/app', h => ["Session-Set: $command"]);
    return $b;
}

sub secret_file
{
    my ($name, $text) = @_;
    return spew($s->root . "/$name", "$text\n", 0600);
}

# For files of the server's user.
sub directory
{
    my $who = SxTest::Paths::test_user();
    my $dir = $s->root . '/sessions';
    mkdir $dir, 0700 or die "$dir: $!\n";
    chown $who->{uid}, $who->{gid}, $dir unless $>;
    return $dir;
}

# What the tool says in JSON, without a word of trouble.
sub done
{
    my ($label, @command) = @_;
    my ($status, $out, $err) = tool('--json', @command);
    is("$status $err", '0 ', label($label));
    return decode_json($out || '{}');
}

sub handles
{
    my (@more) = @_;
    my ($status, $out, $err) = tool('--json', 'list', @more);
    diag($err) if $status;
    return join ' ', sort map { $_->{handle} } @{ decode_json($out || '[]') };
}

# ---- to and fro --------------------------------------------------------------

sub carries
{
    my ($shm, $to, $file) = @_;
    my $seen = done('copy to it', 'copy', $shm, $to)->{seen};
    my $again = done('copy again', 'copy', $shm, $to);
    is("$again->{seen} $again->{carried} $again->{replaced}", "$seen 0 0",
        label('nothing is carried twice'));
    is(handles($to), handles($shm), label('list has all that live'));
    my ($status, $dump, $err) = tool('dump', $to);
    is(scalar(() = $dump =~ /^\{"key"/mg), $seen, label('dump has all records'))
        or diag($err);
    ($status, undef, $err) = tool_fed($dump, 'load',
        $to =~ s/^dbd:\w+/dbd:other/r);
    is("$status $err", '0 ', label('load to another table'));
    is(handles($to =~ s/^dbd:\w+/dbd:other/r), handles($shm),
        label('which has all that live, then'));
    done('copy to a directory', 'copy', $to, $file);
    is(handles($file), handles($shm), label('and so has that'));
    return;
}

# ---- ends --------------------------------------------------------------------

sub ends
{
    my ($shm, $to, %of) = @_;
    my $handle = env($of{gone}, 'SESSION_HANDLE');
    is(done('show', 'show', $to, $handle)->{handle}, $handle,
        label('which it is about'));
    done('destroy', 'destroy', $to, $handle);
    is((tool('show', $to, $handle))[0], 1, label('then there is none'));
    is(status($of{gone}), 'invalid', label('nor for httpd'));
    is_deeply(done('logout', 'logout', $to, 'bert', @user), { sessions => 2 },
        label('it says how many there were'));
    is(join(' ', map { status($_) } @{ $of{bert} }, $of{anna}),
        'invalid invalid active', label('which have ended, and no other'));
    is(handles($to, '--user', 'bert', @user), '', label('list knows none of them'));
    is(handles($to, '--user', 'anna', @user), env($of{anna}, 'SESSION_HANDLE'),
        label('but the other'));
    done('copy', 'copy', $shm, $to);
    is(join(' ', map { status($_) } $of{gone}, @{ $of{bert} }),
        'invalid invalid invalid', label('and nobody comes back'));
    return;
}

# How many of a kind; 1: sessions that nobody asks for.
sub count
{
    my ($which) = @_;
    return $database->sql("SELECT count(*) FROM moved WHERE kind $which");
}

sub sweeps
{
    my ($to) = @_;
    my ($ended, $others) = (count('= 1'), count('<> 1'));
    # Their time is over.
    $database->sql('UPDATE moved SET expires_ms = created_ms WHERE kind = 1');
    $database->sql('UPDATE moved SET created_ms = created_ms - 100000000, '
        . 'expires_ms = expires_ms - 100000000 WHERE kind = 1');
    my $end = time + 20;
    cmp_ok($ended, '>=', 20, label('some have ended'));
    # httpd may be at it, and be first.
    while (time < $end && count('= 1') > 0) {
        tool('sweep', $to);
        sleep 0.2;
    }
    is(count('= 1'), 0, label('sweep takes them away'));
    is(count('<> 1'), $others, label('and no other'));
    return;
}

# ---- all ---------------------------------------------------------------------

sub check
{
    my ($kind) = @_;
    $what = $kind;
    $database = SxTest::Database->new($kind);
    $s = SxTest::Server->new(more => ['dbd']);
    my $keys = $s->runtime_dir . '/keys';
    SxTest::Keys::put($keys, SxTest::Keys::line(1));
    @user = ('--namespace', 'shop', '--keys', $keys);
    $s->write_conf(<<"EOT")->start;
SessionExtKeyFile run/keys
SessionExtNamespace shop
DBDriver $kind
DBDParams "@{[ $database->params ]}"
DBDMin 0
<Location "/s/">
    SessionExt On
</Location>
<Location "/d/">
    SessionExt On
    SessionExtStore dbd:moved
</Location>
EOT
    my $to = "dbd:moved:$kind:\@" . secret_file('params', $database->params);
    my $shm = segment_of($s);
    visitor('cart=1') for 1 .. 20;
    my %of = (anna => visitor('user=anna'), gone => visitor('n=1'),
        bert => [map { visitor('user=bert') } 1, 2]);
    visitor('user=carl')->get('/s/cgi/app', h => ['Session-Logout: all']);
    carries($shm, $to, 'file:' . directory());
    is(status($of{anna}) . ' ' . env($of{anna}, 'SESSION_USER'), 'active anna',
        label('httpd finds who was logged in'));
    is(done('stats', 'stats', $to)->{records},
        $database->sql('SELECT count(*) FROM moved WHERE kind <> 0'),
        label('stats has all that is there'));
    is((tool('check', $to))[0], 2, label('check is not for this one'));
    ends($shm, $to, %of);
    sweeps($to);
    is(status($of{anna}), 'active', label('who lives still does'));

    my ($status, $out, $err) = tool('list',
        "dbd:none:$kind:" . $database->poor);
    is($status, 3, label('who may make no table'));
    like($err, qr/has to run: CREATE TABLE/, label('is told what to do'));
    $database->stop;
    ($status, $out, $err) = tool('list', $to);
    is($status, 3, label('a server that is not there'));
    like($err, qr/^htsession: .*cannot be reached/, label('is told'));
    $s->stop;
    return;
}

# Their servers take seconds to start: both for one MPM, one for the others.
my %KINDS = (event => ['pgsql'], prefork => ['mysql']);
check($_) for @{ $KINDS{ SxTest::mpm() } // [qw(pgsql mysql)] };
SxTest::done();
