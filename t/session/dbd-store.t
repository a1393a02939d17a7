# SPDX-License-Identifier: Apache-2.0
# SessionExtStore dbd: apps notice nothing of which database it is; what was
# confirmed outlives the death of httpd and of the database, an end is one, and a
# database that is away is no log-out, and is found again when it is back.
use SxTest;
use File::Temp qw(tempdir);
use SxTest::Database;
use SxTest::Keys;
use SxTest::Refusal;
use Time::HiRes qw(sleep time);

my $APP = '/kept/cgi/app';
my $KEY = SxTest::Keys::line(1);

# What makes the server use a database: the directives of mod_dbd, and ours.
sub conf
{
    my ($driver, $params, $word, $more) = @_;
    return <<"CONF";
SessionExtKeyFile run/keys
<IfModule mod_dbd.c>
    DBDriver $driver
    DBDParams "$params"
    DBDMin 0
</IfModule>
$more
<Location "/kept/">
    SessionExt On
    SessionExtStore $word
</Location>
<Location "/server-status">
    SetHandler server-status
</Location>
CONF
}

sub server
{
    my ($driver, $params, $word, $more) = @_;
    my $s = SxTest::Server->new(scopes => 1, more => ['dbd'],
        conf => conf($driver, $params, $word, $more // ''));
    SxTest::Keys::put($s->runtime_dir . '/keys', $KEY);
    return $s;
}

sub status { return $_[0]->get($APP, timeout => 20)->env('SESSION_STATUS') // '' }
sub statuses { return join ' ', map { status($_) } @_ }

# What the status page says of the store, behind its name.
sub figures
{
    my ($s) = @_;
    my $page = $s->browser->get('/server-status?auto')->body;
    return { $page =~ /^SessionExtStore-dbd:\w+-(\w+): (\d+)$/mg };
}

sub zeros
{
    my ($have) = @_;
    return join ' ', grep { !$have->{$_} } sort keys %$have;
}

# Once each child has found its database: under prefork there are some.
sub settled
{
    my @browsers = @_;
    my ($row, $end) = (0, time + 10);
    while ($row < 24 && time < $end) {
        $row = status($browsers[0]) eq 'unavailable' ? 0 : $row + 1;
        sleep 0.05 unless $row;
    }
    return statuses(@browsers);
}

# ---- a life ------------------------------------------------------------------

sub lives
{
    my ($what, $s) = @_;
    my $b = $s->browser;
    is(status($b), 'none', "$what: at first there is no session");
    $b->get($APP, h => ['Session-Set: n=0&user=alice', 'Session-Flash: info=Hi']);
    my $r = $b->get($APP);
    is($r->env('SESSION_VAR_user') . $r->env('FLASH_info'), 'aliceHi',
        "$what: what one request writes the next one reads");
    my @failed = SxTest::parallel(4, sub {
        return scalar grep {
            $b->clone->get($APP, h => ['Session-Incr: n=1'])->status != 200 }
            1 .. 10;
    });
    is("@failed " . $b->get($APP)->env('SESSION_VAR_n'), '0 0 0 0 40',
        "$what: increments at the same time add up");
    my @carl = map { $s->browser } 1 .. 3;
    $_->get($APP, h => ['Session-Set: user=carl']) for @carl;
    $carl[0]->get($APP, h => ['Session-Logout: others']);
    is(statuses(@carl), 'active invalid invalid',
        "$what: a logout ends the sessions of its user");
    my $ended = $s->browser;
    $ended->get($APP, h => ['Session-Set: a=1']);
    my $late = $ended->clone;
    my $writer = $late->start($APP, wait => 'door', h => ['Session-Set: a=2']);
    SxTest::reached('door');
    $ended->get($APP, h => ['Session-Destroy: on']);
    SxTest::release('door');
    $writer->finish;
    is(status($late), 'invalid', "$what: what was destroyed does not come back");
    return ($b, @carl);
}

sub outlives
{
    my ($what, $s, @browsers) = @_;
    my $before = settled(@browsers);
    $s->graceful;
    is(settled(@browsers), $before, "$what: a graceful restart changes nothing");
    kill KILL => -$s->pid;    # and all of its children
    $s->stop;
    $s->start;
    is(settled(@browsers), $before,
        "$what: all is as it was when httpd was killed and is back");
    return;
}

# ---- the database goes and comes ---------------------------------------------

sub stands_outage
{
    my ($what, $s, $database, @browsers) = @_;
    my $before = settled(@browsers);
    my $mark = $s->log_mark;
    $database->kill;
    my $began = time;
    my $r = $browsers[0]->get($APP, timeout => 20);
    cmp_ok(time - $began, '<', 5, "$what: nobody waits long for one that is dead");
    is($r->env('SESSION_STATUS'), 'unavailable', "$what: it is no log-out");
    is($r->header('Set-Cookie'), undef, "$what: no cookie is touched");
    my $have = figures($s);
    is(zeros({ map { $_ => $have->{$_} } qw(dropped not_connected failed) }), '',
        "$what: the status page counts what was lost, and what was tried in vain");
    $database->start;
    $began = time;
    sleep 0.1 while time - $began < 20 && status($browsers[0]) ne 'active';
    cmp_ok(time - $began, '<', 10, "$what: it is found by itself when it is back");
    is(settled(@browsers), $before, "$what: nothing that was confirmed is lost");
    like($s->error_log_since($mark), qr/the store in table '\w+' of \w+: /,
        "$what: and the log says what has happened");
    return;
}

# One that is not there when httpd starts.
sub waits_for
{
    my ($what, $s, $database, @browsers) = @_;
    my $before = settled(@browsers);
    $s->stop;
    $database->stop;
    my $mark = $s->log_mark;
    $s->start;
    is(status($browsers[0]), 'unavailable',
        "$what: httpd starts without its database");
    like($s->error_log_since($mark),
        qr/SessionExtStore 'dbd:\w+' is unavailable.*cannot be reached/,
        "$what: and says why");
    $database->start;
    my $began = time;
    sleep 0.1 while time - $began < 20 && status($browsers[0]) ne 'active';
    cmp_ok(time - $began, '<', 10, "$what: and finds it");
    is(settled(@browsers), $before, "$what: with all that is in it");
    return;
}

# Two hosts, as far as they know: their runtime directories and ports are their
# own, the keys and the database are not.
sub shared_by
{
    my ($what, $first, $second) = @_;
    my ($ours, $other) = map { $_->browser } $first, $second;
    $ours->get($APP, h => ['Session-Set: user=dora&n=1']);
    $other->{jar} = $ours->clone->{jar};
    my $seen = $other->get($APP, h => ['Session-Incr: n=1']);
    is($seen->env('SESSION_VAR_user'), 'dora', "$what: another host finds it");
    is($ours->get($APP)->env('SESSION_VAR_n'), '2', "$what: and writes to it");
    $other->get($APP, h => ['Session-Logout: all']);
    is(status($ours), 'invalid', "$what: and its logout is one everywhere");
    return;
}

# ---- what httpd -t says ------------------------------------------------------

sub refusals
{
    my $s = SxTest::Server->new(more => ['dbd'], conf => '');
    my $bare = SxTest::Server->new(conf => '');
    my $use = "<Location \"/\">\nSessionExt On\nSessionExtStore dbd\n</Location>\n";
    my $key = "SessionExtKeyFile run/keys\n";
    SxTest::Keys::put($_->runtime_dir . '/keys', $KEY)
        for $s, $bare;
    my $sqlite = "DBDriver sqlite3\nDBDParams /tmp/x\n";
    SxTest::Refusal::refused($bare,
        ['no mod_dbd', "$key$use", "SessionExtStore 'dbd:session_ext'", 'mod_dbd']);
    SxTest::Refusal::refused($s,
        ['no database', "$key$use", 'DBDriver', 'DBDParams'],
        ['one of a virtual host',
            "$key$use<VirtualHost *:1>\n$sqlite</VirtualHost>\n", 'outside of all'],
        ['a generated key', "$sqlite$use", 'SessionExtKeyFile is needed'],
        ['a relative file', "${key}DBDriver sqlite3\nDBDParams x\n$use",
            'DBDParams', 'absolute path'],
        ['PHP', "$sqlite$key" . $use =~ s/(dbd)/$1\nSessionExtPHP On/r,
            'SessionExtPHP'],
        map { ["the name '$_'", "$sqlite$key" . $use =~ s/dbd/"dbd:$_"/r,
            'SessionExtStore', "'dbd:$_'", 'letters, digits'] }
            '', 'a-b', 'a;b', 'x' x 49);
    SxTest::Refusal::refused($s,
        ['a word that only begins so', "$sqlite$key" . $use =~ s/dbd/dbdx/r,
            "'dbdx'", 'no such store']);
    SxTest::Refusal::refused($s,
        ['a ShmStore of that name, and there is none',
            "$sqlite$key" . $use =~ s/dbd/shm:dbd/r, "no ShmStore 'dbd'", 'accepted is']);
    SxTest::Refusal::accepted($s,
        ['a file', "$sqlite$key$use"],
        ['a table', "$sqlite$key" . $use =~ s/dbd/dbd:T_1/r],
        ['a ShmStore of that name',
            "ShmStore dbd size=4m\n" . $use =~ s/dbd/shm:dbd/r]);
    return;
}

refusals();

# In memory, if that can be: what ends a session is brought to the disk, and who
# waits behind a slow one is told so.
my $dir = tempdir('sxt-sqlite-XXXXXX', CLEANUP => 1,
    DIR => -w '/dev/shm' ? '/dev/shm' : SxTest::Paths::scratch_root());
my $s = server('sqlite3', "$dir/sessions", 'dbd')->start;
my @browsers = lives('SQLite', $s);
my $had = figures($s);
# Of a slow machine: who waited in vain, and a connection from before the moment
# in which somebody else made the table.
delete @$had{qw(busy dropped)};
is(zeros($had), 'damaged failed full not_connected opened probes rejected',
    'SQLite: the status page has what was done, and nothing that was not');
$browsers[0]->get($APP) for 1 .. 40;
my $more = figures($s)->{statements} - $had->{statements};
# Who sweeps asks now and then.
ok($more >= 40 && $more < 60, "SQLite: a statement for each load: $more of 40");
outlives('SQLite', $s, @browsers);
is(sprintf('%04o', (stat "$dir/sessions")[2] & 07777), '0600',
    "SQLite: the file is the server's alone");
$s->stop;

# Their servers take seconds to start: both for one MPM, one for the others.
my %KINDS = (worker => ['pgsql'], prefork => ['mysql']);
for my $kind (@{ $KINDS{ SxTest::mpm() } // [qw(pgsql mysql)] }) {
    my $database = SxTest::Database->new($kind);
    my $server = server($kind, $database->params, 'dbd:shop_1',
        'DBDInitSQL "SELECT 1"')->start;
    my @there = lives($kind, $server);
    is($database->sql(q{SELECT count(*) > 3 FROM shop_1}) =~ /^[t1]/, 1,
        "$kind: they are in that table");
    shared_by($kind, $server,
        server($kind, $database->params, 'dbd:shop_1')->start);
    outlives($kind, $server, @there);
    stands_outage($kind, $server, $database, @there);
    waits_for($kind, $server, $database, @there);
    $server->stop;
    $database->stop;
}
SxTest::done();
