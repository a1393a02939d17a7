# SPDX-License-Identifier: Apache-2.0
# htsession dump and load: a store as lines of JSON and back, into a store of
# another kind; what is no line of a dump is told by its number and passed over.
use SxTest;
use SxTest::Keys;
use File::Temp qw(tempdir);
use JSON::PP qw(decode_json);
use MIME::Base64 qw(encode_base64url);
use SxTest::Tool qw(tool tool_fed segment_of);

my $s = SxTest::Server->new;
my $dir = $s->root . '/sessions';
my $file = "file:$dir";
my $out_dir = tempdir('sxt-XXXXXX', TMPDIR => 1, CLEANUP => 1);
SxTest::Keys::put($s->runtime_dir . '/keys', SxTest::Keys::line(1));
$s->write_conf(<<"EOT")->start;
SessionExtKeyFile run/keys
<Location "/s/">
    SessionExt On
    SessionExtStore shm
    SessionExtMaxPerUser 5
</Location>
<Location "/f/">
    SessionExt On
    SessionExtStore $file
    SessionExtMaxPerUser 5
</Location>
EOT
my $shm = segment_of($s);

sub env { return $_[0]->get("/$_[1]/cgi/app")->env($_[2]) // '-' }

sub visitor
{
    my ($command) = @_;
    my $b = $s->browser;
    $b->get('/s/cgi/app', h => ["Session-Set: $command"]);
    return $b;
}

# --- dump ---------------------------------------------------------------------
my $anna = visitor('user=anna&word=findmehere');
my $guest = visitor('cart=3');
visitor('user=carl')->get('/s/cgi/app', h => ['Session-Logout: all']);
my ($status, $out, $err) = tool('dump', $shm);
is("$status $err", '0 ', 'dump: done');
unlike($out, qr/findmehere|anna/, 'with nothing that is in the sessions');
my @lines = split /\n/, $out;
my @said = map { decode_json($_) } @lines;
is("$said[0]{htsession} $said[0]{store}", '1 shm', 'first what it is');
cmp_ok(abs($said[0]{taken} / 1000 - time), '<', 60, 'and of when');
is($said[-1]{records}, @said - 2, 'last how many there are');
my %kinds;
$kinds{ $_->{kind} }++ for @said[1 .. $#said - 1];
is("$kinds{user} $kinds{anonymous} $kinds{epoch}", '1 1 3',
    'between them records of every kind')
    or diag(join ' ', %kinds);
my ($line) = grep { ($_->{kind} // '') eq 'anonymous' } @said;
is($line->{handle}, env($guest, 's', 'SESSION_HANDLE'), 'one by its handle');
cmp_ok(abs($line->{created} / 1000 - time), '<', 60,
    'times are of the clock on the wall');

my $to = "$out_dir/dump";
($status, $out, $err) = tool('--json', 'dump', '-o', $to, $shm);
is($status, 0, 'dump -o: done') or diag($err);
is(decode_json($out)->{records}, @said - 2, 'and says how much');
is((stat $to)[2] & 07777, 0600, 'only its owner reads the file');
($status, $out, $err) = tool('dump', '-o', $to, $shm);
is($status, 3, 'which is not overwritten');
like($err, qr/^htsession: \Q$to\E: exists/, 'as it is told');
is((tool('dump', '-o', "$out_dir/none/x", $shm))[0], 3, 'a place that is none');
is((tool('list', '-o', $to, $shm))[0], 2, '-o where it means nothing');

# --- load ---------------------------------------------------------------------
sub load
{
    my ($text, $store, @options) = @_;
    my @said = tool_fed($text, '--json', 'load', @options, $store);
    return ($said[0], $said[1] ? decode_json($said[1]) : {}, $said[2]);
}

my $dump = join '', map { "$_\n" } @lines;
my $done;
($status, $done, $err) = load($dump, $file);
is("$status $err", '0 ', 'load: done');
is("$done->{loaded} $done->{present} $done->{wrong}",
    @said - 2 . ' 0 0', 'all of it');
is(env($anna, 'f', 'SESSION_USER'), 'anna', 'who was logged in is, in files');
is(env($guest, 'f', 'SESSION_VAR_cart'), '3', 'a guest has the cart');
$guest->get('/f/cgi/app', h => ['Session-Incr: cart=1']);
($status, $done, $err) = load($dump, $file);
is("$status $done->{loaded} $done->{present}", '0 0 ' . (@said - 2),
    'a second time all is there');
is(env($guest, 'f', 'SESSION_VAR_cart'), '4', 'and stays as it is');

# What was ended since must not come back by chance.
$anna->clone->get('/s/cgi/app', h => ['Session-Destroy: on']);
($status, $done, $err) = load($dump, $shm);
is($status, 3, 'a store takes no dump of its own');
like($err, qr/--force/, 'unless it is told to');
is(env($anna, 's', 'SESSION_STATUS'), 'invalid', 'what was ended stays so');
($status, $done, $err) = load($dump, $shm, '--force');
is("$status $done->{loaded}", '0 1', 'by force it comes back');
is(env($anna, 's', 'SESSION_USER'), 'anna', 'as it was');

# --- what is no dump ----------------------------------------------------------
my ($head, $record, $last) = @lines[0, 1, -1];
for my $row (
    ['nothing', '', 'empty'],
    ['another text', "ServerRoot /\n", 'first line.*byte \d+'],
    ['a record first', "$record\n$head\n", 'first line'],
    ['another version', $head =~ s/:1,/:2,/r . "\n$record\n",
        'version 2, accepted is 1'],
    ['a long line', 'x' x (13 << 20), '12 MiB']) {
    my ($what, $text, $re) = @$row;
    ($status, $out, $err) = tool_fed($text, 'load', $file);
    is("$status $out", '3 ', "$what: nothing is loaded");
    like($err, qr/^htsession: .*$re/, 'and it is told why');
}

sub record
{
    my (%but) = @_;
    my $now = int(time * 1000);
    my %r = (key => '"' . unpack('H*', join '', map { chr int rand 256 } 1 .. 32)
            . '"', kind => '"user"', ns => '"00000001"', tag => '"' . '0' x 16
            . '"', handle => '"' . '1' x 16 . '"', created => $now,
        access => $now, expires => $now + 60000, end => $now + 60000,
        bytes => '"AAAA"', %but);
    return '{' . join(',', map { "\"$_\":$r{$_}" }
        grep { defined $r{$_} } sort keys %r) . '}';
}

my @wrong = (
    ['{"a":', 'byte \d+: no JSON'],
    ['[1]', 'one JSON object'],
    [record(key => undef), '"key": .*64 hex digits'],
    [record(key => '"' . 'AB' x 32 . '"'), '"key": .*lower case'],
    [record(kind => '"king"'), '"kind": accepted is "anonymous"'],
    [record(ns => '"1"'), '"ns": .*8 hex'],
    [record(tag => 17), '"tag": .*string'],
    [record(created => '"now"'), '"created": .*ms since 1970'],
    [record(created => '1e12'), '"created": '],
    [record(end => '9' x 18), '"end": '],
    [record(end => 5), '"end": .*not before'],
    [record(bytes => '"A"'), '"bytes": base64url|"bytes": .*base64url'],
    [record(bytes => '"AA=="'), '"bytes"'],
    [record(more => 1), 'member that is not known'],
    [record(key => '"' . unpack('H*', "copied sessions\0") . '0' x 32 . '"'),
        '"key": '],
    [$head, 'only the first line'],
    ['', 'no JSON'],
    ["\0\0", 'no JSON'],
    ['"' . 'y' x (13 << 20) . '"', 'longer than 12 MiB'],
);
my $count = @wrong + 1;
($status, $done, $err) = load(join("\n", $head, (map { $_->[0] } @wrong),
    record(), "{\"records\":$count}", record()) . "\n", $file);
is("$status $done->{loaded} $done->{wrong}", '3 1 ' . (@wrong + 1),
    'a line that is right is taken among those that are not');
for my $i (0 .. $#wrong) {
    my $no = $i + 2;
    like($err, qr/^htsession: line $no: [\x20-\x7e]*(?:$wrong[$i][1])/m,
        "line $no is told, and what is accepted");
}
like($err, qr/^htsession: line @{[@wrong + 4]}: .*behind the last/m,
    'and what stands behind the end');
unlike($err, qr/king|yyyy/, 'but nothing of what they say');
my $old = record(created => 1000, access => 1000, expires => 2000, end => 3000);
($status, $done, $err) = load("$head\n$old\n{\"records\":1}\n", $file);
is("$status $done->{over}", '0 1', 'what has had its time is not loaded');
($status, $done, $err) = load("$head\n" . record() . "\n", $file);
is("$status $done->{loaded}", '3 1', 'a dump that is cut short is loaded');
like($err, qr/cut short behind line 2/, 'and that is told');
($status, $done, $err) =
    load("$head\n" . record() . "\n{\"records\":9}\n", $file);
is($status, 0, 'lines may be taken out');
like($err, qr/9 records were dumped, and here are 1/, 'which is told');
($status, $done, $err) =
    load($head . "\nx" x 150 . "\n{\"records\":0}\n", $file);
is("$status $done->{wrong}", '3 150', 'of many lines all are counted');
is(scalar(() = $err =~ /^htsession: line/mg), 100, 'and a hundred told');
like($err, qr/not all lines/, 'which is told, too');
is((tool('check', $shm))[0], 0, 'the store is sound');
is((tool('load'))[0], 2, 'a store must be named');
SxTest::done();
