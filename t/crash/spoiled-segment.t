# SPDX-License-Identifier: Apache-2.0
# One byte spoiled anywhere in a segment, or one in each page, costs at most
# the records that it hit: the server starts and a new session works.
use SxTest;
use SxTest::Storm;

my $s = SxTest::Storm::server(start => 1);
my $APP = SxTest::Storm::app();
my $file = $s->runtime_dir . '/session_ext-sessions.shm';
$s->write_conf("ShmStore sessions size=1m\n"
    . "<Location /s/>\nSessionExt On\nSessionExtEncrypt Off\n</Location>")
    ->start;
my @old = map { $s->browser } 1 .. 6;
$old[$_]->get($APP, h => ["Session-Set: n=$_&b=" . 'x' x 3000])
    for 0 .. $#old;
$s->stop;
open my $in, '<:raw', $file or die "$file: $!\n";
my $good = do { local $/; readline $in };
my $used = length($good =~ s/\0+\z//r);

# Gone is right, too.
sub is_right
{
    my ($n, $r) = @_;
    return 1 if ($r->env('SESSION_STATUS') || '') eq 'invalid';
    return ($r->env('SESSION_VAR_n') // '') eq $n
        && ($r->env('SESSION_VAR_b') // '') eq 'x' x 3000;
}

# Starts with these bytes; what is wrong then.
sub try_with
{
    my ($what, $bytes) = @_;
    open my $out, '+<:raw', $file or die "$file: $!\n";
    print $out $bytes;
    close $out;
    unlink $s->log_file;
    my ($up, $text) = $s->try_start;
    ok($up, "httpd starts with $what") or return diag($text);
    my $b = $s->browser;
    $b->get($APP, h => ['Session-Set: a=1']);
    is($b->get($APP)->env('SESSION_VAR_a'), '1',
        "a new session works with $what") or diag($s->error_log);
    my @wrong = grep { !is_right($_, $old[$_]->clone->get($APP)) }
        0 .. $#old;
    is("@wrong", '', "each old session is gone or right with $what");
    $s->stop;
    return;
}

# The first one lies in a value.
for my $at (100 + index($good, 'x' x 200), 0, 8, 16, 20, 24, 40, 104, 120,
    176, 191, 200, 4096, 4200,
    map { int rand $used } 1 .. 3) {
    my $bad = $good;
    substr($bad, $at, 1) ^= "\x80";
    try_with("the byte at $at spoiled", $bad);
}

my $bad = $good;
for (my $at = 4096; $at < length $bad; $at += 4096) {
    my $here = $at + int rand 4096;
    substr($bad, $here, 1) ^= "\xff";
}
try_with('a byte of each page spoiled', $bad);
SxTest::done();
