# SPDX-License-Identifier: Apache-2.0
# Destroy and Renew are obeyed whatever was refused beside them.
use SxTest;

my @BAD = (
    ['a malformed Set', 'Session-Set: x=%zz', 200],
    ['a sum that does not fit', 'Session-Incr: big=1', 200],
    ['a failed If-Version', 'Session-If-Version: 77', 409],
    ['an answer of 500', undef, 500],
);

sub session
{
    my $b = SxTest->browser;
    $b->get('/s/cgi/app', h => ['Session-Set: a=1&big=9223372036854775807']);
    return $b;
}

for my $case (@BAD) {
    my ($what, $header, $status) = @$case;
    my @more = ((defined $header ? $header : ()), 'Session-Set: b=2');
    my %status = $status == 500 ? (status => 500) : ();

    my $b = session();
    my $old = $b->clone;
    my $r = $b->get('/s/cgi/app', h => [@more, 'Session-Renew: on'], %status);
    is($r->status, $status, "Renew beside $what: $status");
    isnt($b->cookie('sid'), $old->cookie('sid'), 'the id is a new one');
    is($old->get('/s/cgi/app')->env('SESSION_STATUS'), 'invalid',
        'the old one is dead');
    is($b->get('/s/cgi/app')->env('SESSION_DATA'),
        'a=1&big=9223372036854775807', 'the data is as it was');

    $b = session();
    $old = $b->clone;
    # A sum that did not fit the old data fits a session without any.
    $r = $b->get('/s/cgi/app', h => ['Session-Renew: discard',
        $what =~ /sum/ ? () : @more], %status);
    is($old->get('/s/cgi/app')->env('SESSION_STATUS'), 'invalid',
        "Renew: discard beside $what kills the old id");
    is($b->get('/s/cgi/app')->env('SESSION_DATA'), '', 'and drops the data');

    $b = session();
    $old = $b->clone;
    $r = $b->get('/s/cgi/app', h => [@more, 'Session-Destroy: on'], %status);
    is($r->status, $status, "Destroy beside $what: $status");
    is($b->cookie('sid'), undef, 'the cookie is deleted');
    is($old->get('/s/cgi/app')->env('SESSION_STATUS'), 'invalid',
        'and the session is gone');
}

# Beside Destroy a Set makes no sense: it is refused, not silently lost.
my $b = session();
my $mark = SxTest::log_mark();
my $r = $b->get('/s/cgi/app', h => ['Session-Destroy: on', 'Session-Set: b=2']);
is($b->cookie('sid'), undef, 'Destroy beside Set destroys');
like(SxTest::error_log_since($mark), qr/Session-Set.*refused/,
    'and the log says that the Set was refused');
is($b->get('/s/cgi/app')->env('SESSION_STATUS'), 'none', 'nothing is left');
SxTest::done();
