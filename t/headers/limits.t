# SPDX-License-Identifier: Apache-2.0
# Limits: key 128 bytes, 1024 keys, SessionExtMaxSize, 1 MiB of commands.
use SxTest;

sub told
{
    my ($b, @headers) = @_;
    my $mark = SxTest::log_mark();
    my $r = $b->post('/s/cgi/app', h => \@headers);
    is($r->status, 200, 'the page comes');
    return SxTest::error_log_since($mark);
}

sub data { return $_[0]->get('/s/cgi/app') }

my $b = SxTest->browser;
my $key = 'k' x 128;
unlike(told($b, "Session-Set: $key=1"), qr/refused/, 'a key of 128 bytes');
is(data($b)->env("SESSION_VAR_$key"), 1, 'is taken');
$key = '%20' x 128;
unlike(told($b, "Session-Set: $key=1"), qr/refused/,
    'the bytes are counted without escapes');

# Header lines end at 8 KiB, so many of them.
sub keys_from
{
    my ($from, $to) = @_;
    my @pairs = map { "k$_=1" } $from .. $to;
    my @lines;
    push @lines, 'Session-Set: ' . join '&', splice @pairs, 0, 500
        while @pairs;
    return @lines;
}

$b = SxTest->browser;
unlike(told($b, keys_from(1, 1024)), qr/refused/, '1024 keys are taken');
like(told($b, 'Session-Set: one_more=1'),
    qr/refused, nothing was applied: Session-Set: .*1024 keys/,
    'one more is not');
unlike(told($b, 'Session-Set: k1=2'), qr/refused/,
    'one of them may still change');
unlike(told($b, 'Session-Unset: k1', 'Session-Set: one_more=1'), qr/refused/,
    'or give way to another');
$b = SxTest->browser;
like(told($b, keys_from(1, 1025)), qr/refused/, '1025 at once are not');
is(data($b)->env('SESSION_STATUS'), 'none', 'and none of them is');

# 64 KiB by default; what the format adds is for it to say.
my $piece = 'x' x 8000;
$b = SxTest->browser;
unlike(told($b, map { "Session-Append: v=$piece" } 1 .. 8), qr/refused/,
    '64 000 bytes fit the default size');
like(told($b, "Session-Append: v=$piece"),
    qr/Session-Append: .*SessionExtMaxSize \(65536 bytes\)/, '72 000 do not');
like(told($b, 'Session-Set: w=' . 'x' x 2000),
    qr/Session-Set: .*SessionExtMaxSize/, 'in whatever key');
unlike(told($b, 'Session-Set: v=1'), qr/refused/, 'less is always possible');
is(data($b)->env('SESSION_DATA'), 'v=1', 'and done');

# Room enough in the session, but not in one answer: the same key over again.
my @mebibyte = map { "Session-Set: v=$piece" } 1 .. 132;
like(told($b, @mebibyte), qr/Session-Set: byte 0: more than 1 MiB/,
    'more than a mebibyte of commands is refused');
is(data($b)->env('SESSION_DATA'), 'v=1', 'as a whole');
unlike(told($b, @mebibyte[0 .. 129], 'Session-Set: v=2'), qr/refused/,
    'less than that is not');
is(data($b)->env('SESSION_DATA'), 'v=2', 'and applied in order');
SxTest::done();
