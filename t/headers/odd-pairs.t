# SPDX-License-Identifier: Apache-2.0
# Pairs of any shape: each is taken as it says, exactly, or refused as a whole
# with the session as it was; whatever its length, and in however many lines.
use SxTest;

# what an app sends, the data afterwards (undef: refused)
my @SHAPES = (
    ['=', undef], ['=x', undef], ['a', undef], ['a&b', undef], ['a&b=1', undef],
    ['%', undef], ['a=%', undef], ['a=%0', undef], ['%3D=1&b', undef],
    ['', ''], ['&', ''], ['&&,,&', ''], [' , ', ''],
    ['a=', 'a='], ['a==b', 'a=%3Db'], ['a=&&=b', undef],
    ['a=1&&b=2', 'a=1&b=2'],
    ['a=1,,b=2,', 'a=1&b=2'], ['a=1&a=2&a=3', 'a=3'], ['a=%26%3D', 'a=%26%3D'],
    ['%61=1', 'a=1'], ['a%00b=%00', 'a%00b=%00'], ['a=%2500', 'a=%2500'],
    ["\xFF=\xFE", '%FF=%FE'],
    ['a=()+%7B+:%3B%7D%3B', 'a=%28%29+%7B+%3A%3B%7D%3B'],
    ['a=%n%25s', undef], ['a=%25n%25s', 'a=%25n%25s'],
);

sub data { return $_[0]->get('/s/cgi/app')->env('SESSION_DATA') // 'none' }

for my $case (@SHAPES) {
    my ($said, $kept) = @$case;
    my $b = SxTest->browser;
    my $label = "'" . $said =~ s/([^ -~])/sprintf '\\x%02X', ord $1/ger . "'";
    my $r = $b->get('/s/cgi/app', h => ["Session-Set: $said"]);
    is($r->status, 200, "$label: the page comes");
    is(data($b), !defined $kept || $kept eq '' ? 'none' : $kept,
        defined $kept ? "$label: kept as it says" : "$label: refused");
}

# The longest lines that a CGI may send, full of what takes most room.
sub lines
{
    my ($count, $part) = @_;
    my $b = SxTest->browser;
    my @h = map { my $n = $_; 'Session-Set: ' . $part->($n) } 1 .. $count;
    my $r = $b->post('/s/cgi/app', h => \@h);
    return ($r, $b);
}

for my $case (
    ['one byte, escaped, again and again', 1,
        sub { 'k=' . '%ff' x 2_700 }, 1],
    ['a percent sign again and again', 1, sub { '%' x 8_100 }, 0],
    ['a thousand empty pairs', 1, sub { '&' x 8_100 }, 0],
    ['as many pairs as fit a line', 1,
        sub { join '&', map { "k$_=" } 1 .. 1_000 }, 1],
    ['forty lines of one key', 40, sub { 'k=' . 'x' x 8_000 }, 1],
    ['ninety lines of keys', 90,
        sub { my $n = $_[0]; join '&', map { "k${n}_$_=1" } 1 .. 10 }, 1],
    ['ninety lines of more keys than there may be', 90,
        sub { my $n = $_[0]; join '&', map { "k${n}_$_=1" } 1 .. 100 }, 0],
    ['forty lines of more than a session may have', 40,
        sub { "k$_[0]=" . 'x' x 8_000 }, 0],
) {
    my ($what, $count, $part, $kept) = @$case;
    my ($r, $b) = lines($count, $part);
    is($r->status, 200, "$what: the page comes");
    is($b->get('/s/ssi/env.shtml')->env('SESSION_STATUS'),
        $kept ? 'active' : 'none',
        "$what: " . ($kept ? 'kept' : 'refused as a whole'));
}

my ($r, $b) = lines(1, sub { 'k=' . '%ff' x 2_600 });
is(length($b->get('/s/cgi/app')->env('SESSION_DATA')), 2 + 3 * 2_600,
    'each byte that needed an escape came back');
SxTest::done();
