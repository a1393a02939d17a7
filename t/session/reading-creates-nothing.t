# SPDX-License-Identifier: Apache-2.0
# B1: until something is written there is no cookie and no record.
use SxTest;

my $mark = SxTest::log_mark();

for my $path (qw(cgi/app sh/app php/app.php static/1k.txt static/hello.html
        ssi/env.shtml ssi/include.shtml cgi/missing)) {
    for my $method (qw(GET HEAD POST)) {
        my $b = SxTest->browser;
        my $r = $b->request($method => "/s/$path");
        is($r->header('Set-Cookie'), undef,
            "$method $path by a new client sets no cookie");
        unlike($r->header('Cache-Control') || '', qr/no-store|private/,
            "$method $path stays as cacheable as it was");
    }
}

# Commands that have nothing to work on do not make a session either.
for my $header ('Session-Clear: on', 'Session-Unset: cart', 'Session-Idle: 60',
        'Session-Persist: on', 'Session-Renew: on', 'Session-Renew: discard',
        'Session-Flash-Keep: on', 'Session-Destroy: on', 'Session-Set:',
        'Session-If-Version: 0') {
    my $b = SxTest->browser;
    my $r = $b->get('/s/cgi/app', h => [$header]);
    is($r->status, 200, "'$header' without a session is answered");
    is($r->header('Set-Cookie'), undef, "'$header' alone creates none");
}

unlike(SxTest::error_log_since($mark), qr/session [0-9a-f]{16} created/,
    'no record was made');

my $b = SxTest->browser;
$mark = SxTest::log_mark();
$b->get('/s/cgi/app', h => ['Session-Set: cart=1']);
like(SxTest::error_log_since($mark), qr/session [0-9a-f]{16} created/,
    'a write makes one, and the log says so');
SxTest::done();
