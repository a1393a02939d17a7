# SPDX-License-Identifier: Apache-2.0
# All or nothing: a malformed command leaves the data as it was, applies none
# of that answer, and is one line in the log that names header, byte and reason
# and never a key or a value.
use SxTest;

my $K = 'SECRETKEY';
my $V = 'SECRETVALUE';
my $LONG = 'k' x 129;

# header, byte
my @CASES = (
    ["Session-Set: $K", 0],
    ["Session-Set: $K=$V&=$V", 22],
    ["Session-Set: $K=$V&b", 22],
    ["Session-Set: $K=$V%zz", 21],
    ["Session-Set: $K=%4", 10],
    ["Session-Set: $K=%", 10],
    ["Session-Set: $K=two words", 13],
    ["Session-Set: $K=two\twords", 13],
    ["Session-Set: $K=two\x01words", 13],
    ["Session-Set: $LONG=$V", 0],
    ["Session-Set: a=1, $LONG=1", 5],
    ["Session-Unset: $K=$V", 9],
    ["Session-Unset: %zz$K", 0],
    ["Session-Append: $K", 0],
    ["Session-Append: $K=$V%", 21],
    ["Session-Incr: $K=$V", 10],
    ["Session-Incr: $K=", 10],
    ["Session-Incr: $K=1.5", 10],
    ["Session-Incr: $K=9223372036854775808", 10],
    ["Session-Incr: $K=0x10", 10],
    ["Session-Clear: $V", 0],
    ["Session-Clear: on, $V", 4],
    ["Session-Idle: $V", 0],
    ["Session-Idle: 0", 0],
    ["Session-Idle: -5", 0],
    ["Session-Persist: $V", 0],
    ["Session-If-Version: $V", 0],
    ["Session-If-Version: 01", 0],
    ["Session-If-Version: -1", 0],
    ["Session-If-Version: 18446744073709551616", 0],
    ["Session-Destroy: $V", 0],
    ["Session-Destroy:", 0],
    ["Session-Renew: $V", 0],
    ["Session-Renew: on,$V", 3],
    ["Session-Flash: $V", 0],
    ["Session-Flash: Info=$V", 0],
    ["Session-Flash: info=$V&=$V", 17],
    ["Session-Flash: info=two words", 8],
    ["Session-Flash: in-fo=$V", 0],
    ["Session-Flash-Keep: $V", 0],
);

sub check
{
    my ($b, $app, $header, $byte) = @_;
    my ($name) = $header =~ /^([\w-]+):/;
    my $label = $app . ': ' . substr $header, 0, 40;
    my $mark = SxTest::log_mark();
    # None of the same name: httpd may join them, and bytes count from there.
    my @others = grep { $_ !~ /^\Q$name\E:/ } ('Session-Set: other=1',
        'Session-Flash: info=other', 'Session-Incr: n=1');
    my $r = $b->get("/s/$app", h => [@others[0, 1], $header, $others[2] || ()]);
    my @lines = grep { /\[session_ext:error\]/ } split /\n/,
        SxTest::error_log_since($mark);
    is($r->status, 200, "$label: the page comes");
    is(scalar @lines, 1, "$label: one line in the log");
    like("@lines", qr/\Q$name\E: byte $byte: \S/,
        "$label: names header, byte and reason");
    unlike(SxTest::error_log_since($mark), qr/SECRET|kkkk/,
        "$label: and no key or value");
    $r = $b->get("/s/$app");
    is($r->env('SESSION_DATA'), 'a=1', "$label: nothing is applied");
    is($r->env('FLASH_COUNT'), undef, "$label: no message either");
    is($r->env('SESSION_VERSION'), 1, "$label: the version is the same");
    return;
}

# PHP's header() refuses control characters by itself.
for my $app ('cgi/app', 'php/app.php') {
    my $b = SxTest->browser;
    $b->get("/s/$app", h => ['Session-Set: a=1']);
    check($b, $app, @$_)
        for grep { $app =~ /cgi/ || $_->[0] !~ /[\x01]/ } @CASES;
}

my $b = SxTest->browser;
my $r = $b->get('/s/cgi/app', h => ['Session-Set: a=1', 'Session-Set: b=%']);
is($r->header('Set-Cookie'), undef, 'a refused first write begins no session');

# Without a byte: what only shows when it meets the session.
my @APPLIED = (
    ['Session-Incr: word=1', 'Session-Incr'],
    ['Session-Incr: big=1', 'Session-Incr'],
    ['Session-Incr: small=-1', 'Session-Incr'],
);
$b->get('/s/cgi/app', h => ['Session-Set: word=x1&big=9223372036854775807'
    . '&small=-9223372036854775808']);
my $before = $b->get('/s/cgi/app')->env('SESSION_DATA');
for my $case (@APPLIED) {
    my ($header, $name) = @$case;
    my $mark = SxTest::log_mark();
    $b->get('/s/cgi/app', h => ['Session-Set: z=1', $header]);
    my @lines = grep { /\[session_ext:error\]/ } split /\n/,
        SxTest::error_log_since($mark);
    is(scalar @lines, 1, "$header: one line");
    like("@lines", qr/\Q$name\E: \w/, "$header: names the header");
    unlike("@lines", qr/word|big|small/, "$header: and no key");
    is($b->get('/s/cgi/app')->env('SESSION_DATA'), $before,
        "$header: nothing is applied");
}
SxTest::done();
