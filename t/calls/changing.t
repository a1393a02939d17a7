# SPDX-License-Identifier: Apache-2.0
# What other modules ask for is one commit with the headers of the response, and
# is refused once its head has left.
use SxTest;
use SxTest::Calls;

my $s = SxTest::Calls::server(conf => <<'CONF')->start;
<Location "/deaf/">
    SessionExt On
    SessionExtAccept Off
</Location>
<Location "/closed/">
    SessionExt On
    Require session-user nobody
    ErrorDocument 403 /s/calls/
</Location>
<Location "/shut/">
    SessionExt On
    Require session-user nobody
</Location>
CONF
my %order = (clear => 0, renew => 1, discard => 2, destroy => 3, all => 4,
    others => 5, keep => 6);

sub make { return SxTest::Calls::make($s, @_) }
sub data { return $_[0]->get('/s/cgi/app')->env('SESSION_DATA') // '-' }

# --- where and when ------------------------------------------------------------
for my $hook (qw(parser access fixups handler filter)) {
    my $b = $s->browser;
    my ($r, $said) = make($b, '/s/calls/', ["$hook set a 1"]);
    is($said, 'ok', "$hook: a wish is noted");
    is(() = $r->headers('Set-Cookie'), 1, "$hook: a session begins");
    is($r->header('Cache-Control'), 'no-store', "$hook: with its cookie");
    is(data($b), 'a=1', "$hook: the wish has come true");
}
my $b = $s->browser;
my ($r, @said) = make($b, '/s/calls/', ['sent set a 1', 'wire set a 1',
    'log set a 1', 'sent order 3', 'sent version 1']);
is("@said", 'late late late late late', 'behind the head it is too late');
is(data($b), '-', 'and nothing is there');
($r, @said) = make($b, '/off/calls/', ['fixups set a 1', 'fixups order 0']);
is("@said", 'off off', 'sessions are off');
($r, @said) = make($b, '/s/calls/', ['read set a 1']);
is("@said", 'off', 'and before the scope is known they seem so');

# --- each ----------------------------------------------------------------------
($r, @said) = make($b, '/s/calls/', ['fixups set a 1', 'fixups set b x%20%26',
    'fixups incr n 41', 'fixups flash info Hi%20there', 'handler incr n 1']);
is("@said", 'ok ok ok ok ok', 'all that is asked for is noted');
$r = $b->get('/s/cgi/app');
is($r->env('SESSION_DATA'), 'a=1&b=x+%26&n=42', 'and comes true');
is($r->env('FLASH_info'), 'Hi there', 'with the message');
is($r->env('SESSION_VERSION'), 1, 'at once');
make($b, '/s/calls/', ['fixups unset b', 'fixups set a 2', 'handler unset n',
    'filter set n 7']);
is(data($b), 'a=2&n=7', 'in the order of the calls');
make($b, '/s/calls/', ["fixups order $order{clear}", 'fixups set z 1']);
is(data($b), 'z=1', 'clear');

my $handle = $b->get('/s/cgi/app')->env('SESSION_HANDLE');
my $old = $b->clone;
make($b, '/s/calls/', ["fixups order $order{renew}"]);
is($b->get('/s/cgi/app')->env('SESSION_HANDLE'), $handle, 'renew: the same');
is($old->get('/s/cgi/app')->env('SESSION_STATUS'), 'invalid', 'with a new id');
make($b, '/s/calls/', ["fixups order $order{discard}",
    "handler order $order{renew}", 'fixups set new 1']);
is(data($b), 'new=1', 'discard, which a renew takes nothing from');
$b->get('/s/cgi/app', h => ['Session-Flash: info=x']);
make($b, '/s/calls/', ["fixups order $order{keep}"]);
is($b->get('/s/cgi/app')->env('FLASH_info'), 'x', 'messages are kept');

my @all = map { $s->browser } 1 .. 3;
$_->get('/s/cgi/app', h => ['Session-Set: user=ann']) for @all;
make($all[0], '/s/calls/', ["fixups order $order{others}"]);
is(join(' ', map { $_->get('/s/cgi/app')->env('SESSION_STATUS') } @all),
    'active invalid invalid', 'the others are out');
make($all[0], '/s/calls/', ["fixups order $order{all}"]);
is($all[0]->cookie('sid'), undef, 'all are');
$old = $b->clone;
make($b, '/s/calls/', ["fixups order $order{destroy}"]);
is($b->cookie('sid'), undef, 'destroy');
is($old->get('/s/cgi/app')->env('SESSION_STATUS'), 'invalid', 'for good');
($r, @said) = make($b, '/s/calls/', ['fixups order 7', 'fixups order -1',
    'fixups flash INFO x', 'fixups set ' . 'k' x 129 . ' x',
    'fixups version 1', 'fixups version 2']);
is("@said", 'invalid invalid invalid invalid ok invalid',
    'what is not accepted is told to the caller');
($r, @said) = make($b, '/s/calls/', ['fixups long a 1048576',
    'fixups many n 4096', 'fixups many n 1', 'fixups unset n']);
is("@said", 'too much ok too much too much', 'and what is too much');

# --- one commit with the headers of the response -----------------------------------
$b = $s->browser;
make($b, '/s/cgi/app', ['fixups set a 1', 'fixups set b 1'],
    h => ['Session-Set: b=2&c=3']);
is(data($b), 'a=1&b=2&c=3', 'headers come behind calls');
is($b->get('/s/cgi/app')->env('SESSION_VERSION'), 1, 'in one commit');
my $mark = $s->log_mark;
make($b, '/s/cgi/app', ['fixups set a 9'], h => ['Session-Set: =x']);
is(data($b), 'a=1&b=2&c=3', 'a header that is refused takes the calls along');
like($s->error_log_since($mark), qr/Session-Set: byte 0: a key is empty/,
    'the log says why');
($r) = make($b, '/s/cgi/app', ['fixups version 3', 'fixups set a 9']);
is($r->status, 409, 'a version that has passed is a 409');
is(data($b), 'a=1&b=2&c=3', 'and changes nothing');
make($b, '/deaf/cgi/app', ['fixups set a 5'], h => ['Session-Set: b=5']);
is(data($b), 'a=5&b=2&c=3', 'SessionExtAccept Off is about headers');

# --- by status ---------------------------------------------------------------------
make($b, '/s/calls/?500', ['fixups set a 6', 'handler flash info x']);
is(data($b), 'a=5&b=2&c=3', 'a 500 drops data');
make($b, '/s/calls/?404', ['fixups set a 6']);
is(data($b), 'a=6&b=2&c=3', 'a 404 does not');
make($b, '/shut/calls/', ['parser incr denied 1']);
is(data($b), 'a=6&b=2&c=3&denied=1', 'nor does a 403');
($r) = make($b, '/closed/calls/', ['parser incr denied 1', 'handler get denied']);
like($s->error_log, qr/calls: handler get denied -> 2/,
    'before an error document runs');
$old = $b->clone;
make($b, '/s/calls/?500', ["fixups order $order{destroy}"]);
is($old->get('/s/cgi/app')->env('SESSION_STATUS'), 'invalid',
    'an end is one also beside a 500');

# --- many at a time -----------------------------------------------------------------
$b = $s->browser;
$b->get('/s/cgi/app', h => ['Session-Set: n=0']);
SxTest::parallel(8, sub {
    my $mine = $b->clone;
    $mine->get('/s/calls/', header => { 'X-Calls' => 'fixups incr n 1' })
        for 1 .. 25;
    return 1;
});
is(data($b), 'n=200', '200 wishes of 8 requests at a time add up');

# --- redirects, parts and programs that speak for themselves ----------------------
$b = $s->browser;
$b->get('/s/cgi/app', h => ['Session-Set: user=ann']);
($r) = make($b, '/s/cgi/app', ['fixups incr n 1'], type => '',
    h => ['Location: /s/sh/app']);
is($r->env('SESSION_VAR_n'), 1, 'behind a redirect it is done');
is($b->get('/s/cgi/app')->env('SESSION_VAR_n'), 2, 'for each part once');
($r, @said) = make($b, '/s/ssi/include.shtml', ['sub-fixups set part 1',
    'sub-wire set part 2']);
is("@said", 'ok late', 'in a part of a page');
is($b->get('/s/cgi/app')->env('SESSION_VAR_part'), 1, 'it is committed alone');
make($b, '/s/cgi/nph-app', ['fixups set nph 1']);
SxTest::Calls::make($s, $b, '/s/cgi/nph-app', ['log look']);
is($b->get('/s/cgi/app')->env('SESSION_VAR_nph'), 1,
    'around all filters, too, in a session that exists');
my $new = $s->browser;
$mark = $s->log_mark;
make($new, '/s/cgi/nph-app', ['fixups set nph 1', 'log look']);
like($s->error_log_since($mark), qr/a session cannot begin after the headers/,
    'where none is, it is refused, and the log says so');
make($b, '/s/cgi/nph-app', ['fixups set nph 2', 'log look'], status => 500);
is($b->get('/s/cgi/app')->env('SESSION_VAR_nph'), 2,
    'what status such a program told the visitor nobody knows');
SxTest::done();
