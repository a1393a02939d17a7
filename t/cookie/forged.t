# SPDX-License-Identifier: Apache-2.0
# H1: an id has 48 characters of which 144 bits are random; any other text, by
# one bit, is refused.
use SxTest;

my $ALPHABET = join '', 'A' .. 'Z', 'a' .. 'z', 0 .. 9, '-', '_';
my $SAMPLES = 120;

sub bits
{
    my ($id) = @_;
    return join '', map { sprintf '%06b', index $ALPHABET, $_ } split //, $id;
}

my (%seen, @ones);
for (1 .. $SAMPLES) {
    my $b = SxTest->browser;
    $b->get('/ids/static/1k.txt');
    my $id = $b->cookie('sid');
    $seen{$id}++;
    my @bits = split //, bits($id);
    $ones[$_] += $bits[$_] for 0 .. $#bits;
}
is(scalar(keys %seen), $SAMPLES, 'no two ids are alike');
is(scalar(grep { !/^[A-Za-z0-9_-]{48}\z/ } keys %seen), 0,
    'all have 48 base64url characters');
# Beyond five and a half standard deviations: one run in 10^5.
my $off = 5.5 * sqrt($SAMPLES) / 2;
my @stuck = grep { abs($ones[$_] - $SAMPLES / 2) > $off } 0 .. $#ones;
is("@stuck", join(' ', 0 .. 15), 'all bits but the first 16 are random');

my $b = SxTest->browser;
$b->get('/s/cgi/app', h => ['Session-Set: a=1']);
my $id = $b->cookie('sid');

sub status
{
    my ($text) = @_;
    return SxTest->browser->get('/s/ssi/env.shtml',
        header => { Cookie => "sid=$text" })->env('SESSION_STATUS');
}

my @taken;
for my $bit (0 .. 287) {
    my ($at, $mask) = (int $bit / 6, 32 >> $bit % 6);
    my $forged = $id;
    substr($forged, $at, 1) = substr $ALPHABET,
        index($ALPHABET, substr $id, $at, 1) ^ $mask, 1;
    push @taken, $bit if status($forged) ne 'invalid';
}
is("@taken", '', 'each of the 288 bits counts');
is(status($id), 'active', 'and the true id is good');

my @parts = ($id, map { (keys %seen)[$_] } 0, 1);
is(status(substr($parts[0], 0, 24) . substr $parts[1], 24), 'invalid',
    'halves of two good ids are none');
is(status('A' x 48), 'invalid', 'nor are zeros');
is(status('_' x 48), 'invalid', 'nor ones');

my $r = SxTest->browser->get('/s/cgi/app', h => ['Session-Set: a=1'],
    header => { Cookie => 'sid=' . 'A' x 48 });
unlike($r->header('Set-Cookie'), qr/AAAAAAAA/, 'a forged id is never adopted');
SxTest::done();
