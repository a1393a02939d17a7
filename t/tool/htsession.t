# SPDX-License-Identifier: Apache-2.0
# The tool on the store of a server that runs, and of one that has stopped:
# what it shows, that what it ends stays ended, and its exit status.
use SxTest;
use JSON::PP qw(decode_json);
use SxTest::Tool qw(tool segment_of);

my $server = SxTest::Server->new(scopes => 1, conf => <<'EOF');
<Location "/soon/">
    SessionExt On
    SessionExtRenewInterval 1
    SessionExtRenewGrace 60
</Location>
EOF
$server->start;
my $file = segment_of($server);

# A new session: its browser and its handle.
sub visitor
{
    my ($command, $scope) = @_;
    my $path = '/' . ($scope || 's') . '/cgi/app';
    my $b = $server->browser;
    $b->get($path, h => ["Session-Set: $command"]);
    return ($b, $b->get($path)->env('SESSION_HANDLE'));
}

my ($anna, $anna_is) = visitor('cart=3');
my ($bert, $bert_is) = visitor('user=bert');
my $nobody = $anna_is eq '0123456789abcdef' ? 'fedcba9876543210'
    : '0123456789abcdef';

# --- looking ------------------------------------------------------------------
my ($status, $out, $err) = tool('list', $file);
is($status, 0, 'list: done');
like($out, qr/^\Q$anna_is\E\s+anonymous\s+20\d\d-\d\d-\d\dT/m,
    'list shows a session without a user');
like($out, qr/^\Q$bert_is\E\s+user\s/m, 'and one of a user');
unlike($out . $err, qr/bert|cart/, 'and nothing that is in them');

($status, $out) = tool('--json', 'list', $file);
my %listed = map { $_->{handle} => $_ } @{ decode_json($out) };
is_deeply([sort keys %listed], [sort $anna_is, $bert_is],
    'as JSON it lists the same');
cmp_ok($listed{$bert_is}{bytes}, '>', 0, 'with sizes');

($status, $out) = tool('--json', 'show', $file, $bert_is);
is($status, 0, 'show: done');
my $shown = decode_json($out);
is($shown->{kind}, 'user', 'show tells what list tells');
cmp_ok($shown->{absolute_end}, 'gt', $shown->{expires},
    'and the absolute end');
($status, $out) = tool('show', $file, uc $bert_is);
like($out, qr/^handle +\Q$bert_is\E$/m, 'a handle may be in capitals');

($status, $out) = tool('--json', 'stats', $file);
my $stats = decode_json($out);
is($status, 0, 'stats: done');
is("$stats->{records} $stats->{users} $stats->{anonymous}", '2 1 1',
    'stats counts records by kind');
cmp_ok($stats->{creates}, '>=', 2, 'and what has happened');
($status, $out) = tool('stats', $file);
like($out, qr/^creates +$stats->{creates}  records created$/m,
    'in words, too');

($status, $out) = tool('check', $file);
is($status, 0, 'check: done');
is($out, "no fault in 2 records\n", 'check finds a sound store');
($status, $out) = tool('--json', 'sweep', $file);
is($status, 0, 'sweep: done');
is(decode_json($out)->{freed}, 0, 'sweep frees nothing that lives');
is($anna->get('/s/cgi/app')->env('SESSION_VAR_cart'), 3,
    'and the sessions are as they were');

# --- ending -------------------------------------------------------------------
my $slow = $anna->start('/s/cgi/app', wait => 'tool', h => ['Session-Set: a=1']);
SxTest::reached('tool');
($status, $out) = tool('destroy', $file, $anna_is);
is($status, 0, 'destroy: done');
SxTest::release('tool');
is($slow->finish->status, 200, 'a request that is running is not harmed');
is($anna->get('/s/cgi/app')->env('SESSION_STATUS'), 'invalid',
    'and the session stays ended');
is($bert->get('/s/cgi/app')->env('SESSION_STATUS'), 'active',
    'the other one lives');
is((tool('destroy', $file, $anna_is))[0], 1, 'it can be ended once');
is((tool('show', $file, $anna_is))[0], 1, 'and not shown any more');
($status, $out, $err) = tool('show', $file, $nobody);
is($status, 1, 'a handle of nobody is not found');
like($err, qr/\Q$nobody\E/, 'and is told so');
is((tool('show', $file, $_))[0], 2, "'$_' is no handle")
    for 'abc', "${nobody}0", '0' x 16, 'zzzzzzzzzzzzzzzz', '';

# A renewed session has two records, and both must go.
my ($carl, $carl_is) = visitor('cart=1', 'soon');
my $old = $carl->clone;
select undef, undef, undef, 1.1;
$carl->get('/soon/cgi/app');
isnt($carl->cookie('sid'), $old->cookie('sid'), 'an id is renewed by age');
($status, $out) = tool('--json', 'show', $file, $carl_is);
is(decode_json($out)->{aliases}, 1, 'show tells how many old ids lead to it');
is((tool('destroy', $file, $carl_is))[0], 0, 'destroy ends it');
is($_->get('/soon/cgi/app')->env('SESSION_STATUS'), 'invalid',
    'neither id leads anywhere') for $carl, $old;
($status, $out) = tool('--json', 'stats', $file);
is(decode_json($out)->{records}, 1, 'and no record is left behind');

# --- beside load --------------------------------------------------------------
my @worked = SxTest::parallel(3, sub {
    my ($i) = @_;
    return grep { (tool('check', $file))[0] == 0 } 1 .. 10 if $i == 0;
    my $b = $server->browser;
    return grep { $b->get('/s/cgi/app', h => ['Session-Incr: n=1'])->status
            == 200 } 1 .. 20;
});
is(scalar @worked, 3, 'check runs while the server is used');
is("@worked", '10 20 20', 'it finds no fault and disturbs no request');

# --- without a server ---------------------------------------------------------
$server->stop;
($status, $out) = tool('list', $file);
is($status, 0, 'after the server has stopped the tool still works');
like($out, qr/^\Q$bert_is\E /m, 'and shows what is there');
is((tool('check', $file))[0], 0, 'which is sound');
$server->start;
is($bert->get('/s/cgi/app')->env('SESSION_USER'), 'bert',
    'and the server goes on with it');
SxTest::done();
