# SPDX-License-Identifier: Apache-2.0
# What a client can send costs a worker no more memory than it has to read: no
# walk over a header copies it once for each of its parts.
use SxTest;

my $server = SxTest::Server->new(scopes => 1, start => 1);
$server->start;

# The most memory that any worker has ever had, in KiB.
sub peak
{
    my $most = 0;
    for my $pid ($server->children) {
        open my $in, '<', "/proc/$pid/status" or next;
        my ($kib) = map { /^VmHWM:\s+(\d+)/ ? $1 : () } <$in>;
        $most = $kib if defined $kib && $kib > $most;
    }
    return $most;
}

my $full = 8_100;
my @LINES = (
    'Cookie: ' . 'a;' x ($full / 2),
    'Cookie: ' . ';' x $full,
    'Cookie: ' . 'sid=;' x ($full / 5),
    'Cookie: ' . 'sid[=;' x ($full / 6),
    'Cookie: sid=' . 'A' x ($full - 8),
    'Connection: session,' . 'a,' x ($full / 2 - 20),
    'Connection: session,' . 'X-Session-User,' x ($full / 15 - 2),
    join("\r\n", map { "Cookie: a$_=1; sid=x$_" } 1 .. 90),
    join("\r\n", map { "X-Session-Data-$_: x" } 1 .. 90),
);

sub ask
{
    my ($line) = @_;
    my $got = SxTest::raw("GET /s/static/1k.txt HTTP/1.1\r\nHost: localhost\r\n"
        . ($line =~ /^Connection/ ? '' : "Connection: close\r\n")
        . "$line\r\n\r\n", port => $server->port, half_close => 1);
    return $got =~ m{^HTTP/1\.1 (\d+)} ? $1 : 'nothing';
}

ask('X-A: ' . 'a' x $full) for 1 .. 40;
my $before = peak();
cmp_ok($before, '>', 1_000, 'there is a worker');
for my $line (@LINES) {
    my $label = substr($line, 0, 30) =~ s/\r\n/ /r;
    is(join(' ', map { ask($line) } 1 .. 4), '200 200 200 200',
        "'$label...': the page comes");
    my $now = peak();
    cmp_ok($now - $before, '<', 4_096, "'$label...': and costs no memory");
    $before = $now if $now > $before;
}
SxTest::done();
