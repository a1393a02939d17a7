# SPDX-License-Identifier: Apache-2.0
# Many records to a ShmStore by a dump, from there to a directory by a copy, and
# out by a dump: all of them as they were. SXTEST_LONG=1: 100 000, with figures.
use SxTest;
use SxTest::Keys;
use SxTest::Segment;
use File::Temp qw(tempdir);
use JSON::PP qw(decode_json);
use SxTest::Tool qw(tool tool_fed segment_of);
use Time::HiRes qw(time);

SxTest::timeout(600);
my $count = $ENV{SXTEST_LONG} ? 100_000 : 3_000;
my $s = SxTest::Server->new;
# In memory, where a sync costs nothing: what is asked for is not the disk.
my $dir = tempdir('sxt-XXXXXX', DIR => -w '/dev/shm' ? '/dev/shm' : '/tmp',
    CLEANUP => 1) . '/sessions';
mkdir $dir, 0700 or die "$dir: $!\n";
my $who = SxTest::Paths::test_user();
chown $who->{uid}, $who->{gid}, $dir if !$>;
SxTest::Keys::put($s->runtime_dir . '/keys', SxTest::Keys::line(1));
$s->write_conf(<<'EOT')->start;
ShmStore sessions size=96m
SessionExtKeyFile run/keys
<Location "/s/">
    SessionExt On
</Location>
EOT
my $shm = segment_of($s);

my $now = int(time * 1000);
my @kinds = qw(anonymous user);
srand 11;

# Of some 150 to 450 bytes; two ends last, one a session.
sub record
{
    my ($i) = @_;
    my %r = (key => join('', map { sprintf '%08x', int rand 2**32 } 1 .. 8),
        kind => $kinds[$i % 2], ns => '0badcafe',
        tag => $i % 2 ? sprintf('%016x', $i) : '0' x 16,
        handle => sprintf('%016x', $i + 1), created => $now - 100_000,
        access => $now - 100 * ($i % 1000), expires => $now + 1_800_000,
        end => $now + 43_200_000, bytes => 'A' x (4 * (50 + $i % 100)));
    $r{kind} = 'epoch' if $i == 7;
    $r{kind} = 'tombstone' if $i == 8;
    return \%r;
}

sub line
{
    my ($r) = @_;
    return '{' . join(',', map { my $v = $r->{$_};
            qq("$_":) . (/^(?:created|access|expires|end)$/ ? $v : qq("$v")) }
        sort keys %$r) . "}\n";
}

# What a tool says, and how many records a second it has done.
sub timed
{
    my ($what, $fed, @command) = @_;
    my $begin = time;
    my ($status, $out, $err) = defined $fed ? tool_fed($fed, @command)
        : tool(@command);
    diag(sprintf '%s: %d records/s', $what, $count / (time - $begin))
        if $ENV{SXTEST_LONG};
    is("$status $err", '0 ', "$what: done");
    return $out;
}

my @all = map { record($_) } 1 .. $count;
my $text = qq({"htsession":1,"store":"none","life":"00000000000000aa",)
    . qq("taken":$now}\n) . join('', map { line($_) } @all)
    . qq({"records":$count}\n);
my $said = decode_json(timed('load', $text, '--json', 'load', $shm));
is($said->{loaded}, $count, 'all are loaded');
undef $text;
$said = decode_json(timed('copy', undef, '--json', 'copy', $shm, "file:$dir"));
is($said->{carried}, $count, 'and carried');
$said = decode_json(timed('copy once more', undef, '--json', 'copy', $shm,
    "file:$dir"));
is("$said->{seen} $said->{carried} $said->{touched} $said->{replaced}",
    "$count 0 0 0", 'and there is nothing to do after that');

# A person sees how far it is, and then nothing of that any more.
my $again = "$dir.again";
mkdir $again, 0700 or die "$again: $!\n";
my $tool = SxTest::Segment::tool();
my $seen = `script -qec "'$tool' copy '$shm' 'file:$again'" /dev/null`;
like($seen, qr/\r\d+ records/, 'on a terminal it is told how far it is');
like($seen, qr/\r\e\[K[^\r]*seen +$count /, 'before the line is given back');
$seen = `script -qec "'$tool' check '$shm'" /dev/null`;
like($seen, qr/^\rshard 1 of (\d+).*\rshard \1 of \1\r\e\[Kno fault/s,
    'a check tells shard after shard');

my $out = timed('dump', undef, 'dump', "file:$dir");
my %found;
my $lines = 0;
for (split /\n/, $out) {
    my ($key) = /"key":"(\w+)"/ or next;
    $lines++;
    $found{$key} = $_;
}
is($lines, $count, 'the dump has as many');
is(scalar keys %found, $count, 'each once');
# A ShmStore keeps tenths of a second, and clocks are read one after the other.
my $wrong = 0;
for my $r (@all) {
    my $is = decode_json($found{ $r->{key} } // '{}');
    $wrong++ if grep { ($is->{$_} // '') ne $r->{$_} }
        qw(kind ns tag handle bytes);
    $wrong++ if grep { abs(($is->{$_} // 0) - $r->{$_}) > 400 }
        qw(created access expires end);
}
is($wrong, 0, 'and each is as it was');
SxTest::done();
