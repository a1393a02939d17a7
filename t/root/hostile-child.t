# SPDX-License-Identifier: Apache-2.0
# H5: the parent is root and never touches a page that children can write. So
# a hostile child that overwrites the segment, or cuts it short, can take down
# its equals and never the parent: graceful, hard restart, status and stop go
# on, and so does the rest of the site.
use SxTest;
use POSIX ();

my $s = SxTest::Server->new(scopes => 1);
my $who = SxTest::Paths::test_user();
my $file = $s->runtime_dir . '/session_ext-sessions.shm';

# Kilobytes of the segment that this process has ever touched.
sub touched
{
    my ($pid) = @_;
    open my $in, '<', "/proc/$pid/smaps" or return undef;
    my ($ours, $sum) = (0, undef);
    while (my $line = <$in>) {
        $ours = $line =~ /\Q$file\E/ if $line =~ /^[0-9a-f]+-[0-9a-f]+ /;
        $sum += $1 if $ours && $line =~ /^Rss:\s+(\d+)/;
    }
    return $sum;
}

# As a child that has the segment open: its user, and this descriptor.
sub attack
{
    my ($code) = @_;
    open my $segment, '+<:raw', $file or die "$file: $!\n";
    defined(my $pid = fork) or die "fork: $!\n";
    if (!$pid) {
        $) = "$who->{gid} $who->{gid}";
        POSIX::setgid($who->{gid});
        POSIX::setuid($who->{uid});
        my $ok = $> == $who->{uid} && !open(my $again, '<', $file)
            && eval { $code->($segment) };
        POSIX::_exit($ok ? 0 : 1);
    }
    waitpid $pid, 0;
    return $? == 0;
}

sub over
{
    my ($segment, $at, $bytes) = @_;
    sysseek $segment, $at, 0;
    return length $bytes == syswrite $segment, $bytes;
}

# Requests of all kinds; only that they end counts here.
sub traffic
{
    my ($b) = @_;
    for (1 .. 4) {
        $b->get('/s/cgi/app', h => ['Session-Incr: n=1'], timeout => 5);
        $s->browser->get('/s/cgi/app', h => ['Session-Set: a=1'],
            timeout => 5);
    }
    return;
}

sub lives_on
{
    my ($what, $pid) = @_;
    is($s->pid, $pid, "the parent is the same: $what");
    ok(kill(0, $pid), "and lives: $what");
    is(touched($pid), 0, "and has touched no page: $what");
    is($s->browser->get('/x/static/1k.txt')->status, 200,
        "the site answers: $what");
    return;
}

my $SIZE = 16 * 2**20;
my $huge = "\xf0" . "\xff" x 6 . "\x7f";
my @ATTACKS = (
    ['ones over the header', sub { over($_[0], 0, "\xff" x 4096) }],
    ['ones over the shards', sub { over($_[0], 4096, "\xff" x 65536) }],
    ['ones over everything', sub { over($_[0], 0, "\xff" x $SIZE) }],
    ['huge offsets from the shards on',
        sub { over($_[0], 4096, $huge x (($SIZE - 4096) / 8)) }],
    ['huge offsets in the header', sub { over($_[0], 32, $huge x 100) }],
    ['zeroes over everything', sub { over($_[0], 0, "\0" x $SIZE) }],
    ['a file cut short', sub { truncate $_[0], 4096 }],
    ['a file of no length', sub { truncate $_[0], 0 }],
    ['a file blown up', sub { truncate $_[0], 2**40 }],
);

for my $row (@ATTACKS) {
    my ($what, $code) = @$row;
    unlink $file, "$file.old";
    $s->start;
    my $pid = $s->pid;
    my $b = $s->browser;
    traffic($b);
    my ($worker) = grep { touched($_) } $s->children;
    ok($worker, 'workers touch the segment');
    is(touched($pid), 0, 'the parent does not');
    ok(attack($code), "a child writes $what");
    traffic($b);
    lives_on("$what, traffic", $pid);
    $s->graceful;
    traffic($b);
    lives_on("$what, graceful restart", $pid);
    like($s->browser->get('/server-status')->body, qr/Apache Server Status/,
        "mod_status answers: $what");
    $s->hup;
    traffic($b);
    lives_on("$what, hard restart", $pid);
    $s->stop;
    ok(!kill(0, $pid), "the server can be stopped: $what");
}

# What the next server makes of the last one.
my ($up, $text) = $s->try_start;
ok($up, 'the next server starts') or diag($text);
my $b = $s->browser;
$b->get('/s/cgi/app', h => ['Session-Set: a=1']);
is($b->get('/s/cgi/app')->env('SESSION_VAR_a'), '1', 'with working sessions');

# Workers may well have died of this; of the parent more was asked above.
unlike($s->error_log, qr/AH00050|seg fault.*parent/i,
    'no line says that the parent crashed');
$s->stop;
unlink $s->log_file;
SxTest::done();
