# SPDX-License-Identifier: Apache-2.0
# A segment that is truncated, foreign, of another layout or random bytes is
# refused or begun afresh with one clear line. Nothing crashes or hangs, and
# sessions work at once or after what the line says.
use SxTest;
use SxTest::Storm;
use Time::HiRes qw(time);

my $SIZE = 2**20;
my $s = SxTest::Storm::server(start => 2);
my $APP = SxTest::Storm::app();
my $file = $s->runtime_dir . '/session_ext-sessions.shm';
my $CONF = "ShmStore sessions size=1m\n"
    . "<Location /s/>\nSessionExt On\n</Location>\n";

sub bytes_of
{
    open my $in, '<:raw', $_[0] or die "$_[0]: $!\n";
    local $/;
    return scalar readline $in;
}

sub random
{
    my ($n) = @_;
    open my $in, '<:raw', '/dev/urandom' or die "urandom: $!\n";
    read $in, my ($bytes), $n;
    return $bytes;
}

# In place: the file keeps its inode, as after a power cut or a bad disk.
sub overwrite
{
    my ($bytes) = @_;
    open my $out, '+<:raw', $file or die "$file: $!\n";
    truncate $out, 0;
    print $out $bytes;
    close $out;
    return;
}

# Lines about the store, each once. That an empty store was begun goes without
# saying where another line says why.
sub said
{
    my ($text) = @_;
    my %seen;
    my @lines = grep { !$seen{ s/^(?:\[[^\]]*\] )+//r }++ }
        grep { /ShmStore/ } split /\n/, $text;
    my @why = grep { !/an empty store was begun/ } @lines;
    return @why ? @why : @lines;
}

sub works_with
{
    my ($what, $log) = @_;
    my $began = time;
    my ($up, $text) = $s->try_start;
    ok($up, "httpd starts: $what") or return diag($text);
    my $b = $s->browser;
    is($b->get($APP, h => ['Session-Set: a=1'])->status, 200,
        "an app runs: $what");
    is($b->get($APP)->env('SESSION_VAR_a'), '1',
        "a session can begin: $what");
    cmp_ok(time - $began, '<', 5, "without a hang: $what");
    my @said = said($s->error_log);
    like($said[-1] || '', $log, "one clear line: $what");
    is(scalar @said, 1, "and only one: $what") or diag(join "\n", @said);
    $s->stop;
    unlink $s->log_file;
    return;
}

$s->write_conf($CONF)->start;
my $first = $s->browser;
$first->get($APP, h => ['Session-Set: a=kept&b=' . 'x' x 5000]);
$s->stop;
unlink $s->log_file;
my $good = bytes_of($file);
is(length $good, $SIZE, 'a segment to spoil');

overwrite(random($SIZE));
works_with('random bytes', qr/begun afresh.*first bytes/);
overwrite("\xff" x $SIZE);
works_with('all ones', qr/begun afresh.*first bytes/);
overwrite("\0" x $SIZE);
works_with('all zeroes', qr/empty store was begun/);
overwrite(substr($good, 0, 4096) . random($SIZE - 4096));
works_with('a good header before random bytes',
    qr/taken over with 0 records, \d+ lost/);
overwrite(substr($good, 0, 8) . pack('L<', 77) . substr $good, 12);
works_with('another layout', qr/begun afresh.*layout version 77/);
overwrite(substr($good, 0, 32) . pack('Q<', 2**40) . substr $good, 40);
works_with('a geometry that lies', qr/begun afresh.*header/);
overwrite(substr $good, 0, $SIZE / 2);
works_with('half of it', qr/524288 bytes.*new one was begun/);
overwrite('');
works_with('an empty file', qr/empty store was begun/);
overwrite(substr $good, 0, 777);
works_with('a part of its header', qr/777 bytes.*new one was begun/);
overwrite($good . random(12_345));
works_with('a tail that is not ours', qr/new one was begun/);
overwrite('<html>' x 200_000);
works_with('another kind of file', qr/new one was begun/);

# The good bytes in another file: a copy, checked and adopted.
unlink $file;
open my $out, '>:raw', $file or die "$file: $!\n";
print $out $good;
close $out;
chmod 0600, $file;
$s->start;
is($first->get($APP)->env('SESSION_VAR_a'), 'kept',
    'a good copy is adopted with its session');
like($s->error_log, qr/taken over with 1 records, 0 lost/,
    'and the log says so');
$s->stop;
SxTest::done();
