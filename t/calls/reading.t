# SPDX-License-Identifier: Apache-2.0
# What other modules read of a session, in each hook, and what it does to the
# answer.
use SxTest;
use SxTest::Calls;

my $s = SxTest::Calls::server()->start;
my $b = $s->browser;
my @hooks = qw(parser access fixups handler filter sent wire log);

# The results of one call in each hook.
sub in_hooks
{
    my ($b, $call) = @_;
    my ($r, @said) = SxTest::Calls::make($s, $b, '/s/calls/',
        [map { "$_ $call" } @hooks]);
    return ($r, \@said);
}

my $nobody = 'none handle=- user=- version=0 created=0 last_access=0 expires=0';
my ($r, $said) = in_hooks($b, 'look');
is($said->[$_], $nobody, "$hooks[$_]: nobody") for 0 .. $#hooks;
is($r->header('Set-Cookie'), undef, 'reading makes no cookie');
is($r->header('Vary'), 'Cookie', 'but another answer for others');
($r, $said) = in_hooks($b, 'get a');
is($said->[$_], '-', "$hooks[$_]: without a session there is no value")
    for 0 .. $#hooks;

my $before = time;
$b->get('/s/cgi/app', h => ['Session-Set: user=ann&a=1%00x&empty=&long='
    . 'y' x 5000]);
my %env = map { $_ => $b->get('/s/cgi/app')->env("SESSION_$_") }
    qw(HANDLE CREATED LAST_ACCESS EXPIRES);
($r, $said) = in_hooks($b, 'look');
is($said->[$_], "active handle=$env{HANDLE} user=ann version=1 "
    . "created=$env{CREATED} last_access=$env{LAST_ACCESS} "
    . "expires=$env{EXPIRES}", "$hooks[$_]: all there is")
    for 0 .. $#hooks;
cmp_ok(abs($env{CREATED} - $before), '<', 3, 'times are of this world');
like($r->header('Cache-Control') // '', qr/\bprivate\b/,
    'what has read a session is private');
($r, $said) = in_hooks($b, 'get user');
is($said->[$_], 'ann', "$hooks[$_]: a value") for 0 .. $#hooks;
($r, $said) = in_hooks($b, 'get a');
is($said->[0], '-', 'a value with a NUL is none, as a string');
($r, $said) = in_hooks($b, 'bytes a');
is($said->[0], '3 1', 'and three bytes, as bytes');
($r, $said) = in_hooks($b, 'bytes empty');
is($said->[0], '0 ', 'an empty value is one');
($r, $said) = in_hooks($b, 'bytes none');
is($said->[0], '0 -', 'a key that is not there is none');
($r, $said) = in_hooks($b, 'bytes long');
like($said->[0], qr/^5000 y+$/, 'a long value is there in full');

# A file that no handler of ours touches: who asks has made it personal.
($r) = SxTest::Calls::make($s, $b, '/s/static/1k.txt', ['fixups get user']);
like($r->header('Cache-Control') // '', qr/\bprivate\b/,
    'a plain file is private if a module has asked');
($r) = SxTest::Calls::make($s, $b, '/s/static/1k.txt', ['fixups unset none']);
is($r->header('Cache-Control'), undef, 'and not if none has');

# An id that leads nowhere, and a scope without sessions.
$b->clone->get('/s/cgi/app', h => ['Session-Destroy: on']);
($r, $said) = in_hooks($b, 'look');
is($said->[0], $nobody =~ s/none/invalid/r, 'an id of an ended session');
($r, my @off) = SxTest::Calls::make($s, $b, '/off/calls/',
    ['fixups look', 'fixups get user', 'fixups bytes user']);
is("@off", 'off - 0 -', 'where sessions are off there is nothing');
is($r->header('Vary'), undef, 'and nothing is told to caches');
SxTest::done();
