# SPDX-License-Identifier: Apache-2.0
# What each data command does, and that they are applied in their own order
# whatever order they came in.
use SxTest;

# start, headers of one answer, data after it
my @CASES = (
    ['Set adds and replaces', 'a=1&b=2', ['Session-Set: b=3&c=4'],
        'a=1&b=3&c=4'],
    ['the last pair of a key wins', '', ['Session-Set: a=1&a=2'], 'a=2'],
    ['also over several headers', '', ['Session-Set: a=1', 'Session-Set: a=2'],
        'a=2'],
    ['a comma separates as well', '', ['Session-Set: a=1,b=2 , c=3'],
        'a=1&b=2&c=3'],
    ['blanks around separators are trimmed', '',
        ['Session-Set:  a=1 & b=2 ,  c=3 &'], 'a=1&b=2&c=3'],
    ['escapes are decoded', '',
        ['Session-Set: a%26b=%3D%2c+%25&%C3%BC=%c3%bc'],
        'a%26b=%3D%2C+%25&%C3%BC=%C3%BC'],
    ['a value may hold =', '', ['Session-Set: a=b=c'], 'a=b%3Dc'],
    ['a value may be empty', '', ['Session-Set: a='], 'a='],
    ['names have a case', '', ['Session-Set: a=1&A=2'], 'a=1&A=2'],
    ['header names have none', '', ['SESSION-set: a=1'], 'a=1'],
    ['Unset removes', 'a=1&b=2&c=3', ['Session-Unset: a, c'], 'b=2'],
    ['Unset takes & as well', 'a=1&b=2&c=3', ['Session-Unset: a&b&none'],
        'c=3'],
    ['Clear removes all', 'a=1&b=2', ['Session-Clear: on'], ''],
    ['Append adds bytes', 'a=1', ['Session-Append: a=2&a=3&b=4'], 'a=123&b=4'],
    ['Append keeps the order of headers', '',
        [map { "Session-Append: a=$_" } 1 .. 9], 'a=123456789'],
    ['Incr adds', 'hits=41', ['Session-Incr: hits=1&stock=-2'],
        'hits=42&stock=-2'],
    ['Incr adds twice', '', ['Session-Incr: n=2&n=3', 'Session-Incr: n=-1'],
        'n=4'],
    ['Incr reaches the ends of int64',
        'a=9223372036854775806&b=-9223372036854775807',
        ['Session-Incr: a=1&b=-1'],
        'a=9223372036854775807&b=-9223372036854775808'],
    ['Clear goes before Set', 'a=1&b=2',
        ['Session-Set: c=3', 'Session-Clear: on'], 'c=3'],
    ['Unset goes before Set', 'a=1', ['Session-Set: a=2', 'Session-Unset: a'],
        'a=2'],
    ['Set goes before Append', 'a=1',
        ['Session-Append: a=x', 'Session-Set: a=2'], 'a=2x'],
    ['Append goes before Incr', 'n=1',
        ['Session-Incr: n=1', 'Session-Append: n=9'], 'n=20'],
    ['all of them together', 'old=1', ['Session-Incr: n=1',
        'Session-Append: n=5', 'Session-Set: n=1', 'Session-Unset: n',
        'Session-Clear: on'], 'n=16'],
    ['an empty list changes nothing', 'a=1',
        ['Session-Set:', 'Session-Unset: ,', 'Session-Incr: &'], 'a=1'],
);

for my $app ('cgi/app', 'php/app.php') {
    for my $case (@CASES) {
        my ($what, $start, $headers, $after) = @$case;
        my $b = SxTest->browser;
        $b->get("/s/$app", h => ["Session-Set: keep=1&$start"]);
        my $r = $b->get("/s/$app", h => [@$headers,
            (grep { /Clear/ } @$headers) ? () : 'Session-Unset: keep']);
        is($r->status, 200, "$app: $what") if $r->status != 200;
        is($b->get("/s/$app")->env('SESSION_DATA'), $after, "$app: $what");
    }
}

my $b = SxTest->browser;
$b->get('/s/cgi/app', h => ['Session-Set: a=1']);
my $id = $b->cookie('sid');
$b->get('/s/cgi/app', h => ['Session-Clear: on']);
is($b->cookie('sid'), $id, 'Clear keeps the id');
is($b->get('/s/cgi/app')->env('SESSION_STATUS'), 'active', 'and the session');

for my $nothing (['Session-Unset: a'], ['Session-Clear: on'],
    ['Session-Idle: 60'], ['Session-Persist: on'], ['Session-Flash-Keep: on'],
    ['Session-Renew: on'], ['Session-Destroy: on'], ['Session-Set:'])
{
    my $new = SxTest->browser;
    my $r = $new->get('/s/cgi/app', h => $nothing);
    is($r->header('Set-Cookie'), undef, "@$nothing begins no session");
}
SxTest::done();
