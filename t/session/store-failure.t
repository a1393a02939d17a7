# SPDX-License-Identifier: Apache-2.0
# B9: a store that fails is not a store without the session: no cookie is
# deleted or replaced, lost writes are told, and when it is back all is there.
# Only a Destroy or a Logout that cannot be done answers 503 and takes the cookie away.
use SxTest;

my $server = SxTest::Server->new(scopes => 1, php => 1, conf => <<'EOF');
<Location "/strict/">
    SessionExt On
    SessionExtOnStoreError 503
</Location>
<Location "/guarded/">
    SessionExt On
    SessionExtOnStoreError 503
    ErrorDocument 503 "/guarded/cgi/app"
</Location>
EOF

# Where a segment keeps the moment of its last use on the boot clock, in two
# places of which the number behind them says which counts: one in the future
# means another clock, and then nothing in it can be judged.
my @ANCHORS = (168, 208);
my $COUNTS = 232;

sub segment
{
    my ($file) = grep { -f && (stat)[7] >= 16 << 20 }
        glob $server->runtime_dir . '/*';
    die 'no segment in ' . $server->runtime_dir . "\n" unless $file;
    return $file;
}

sub anchor
{
    my ($new) = @_;
    open my $f, '+<:raw', segment() or die "segment: $!\n";
    seek $f, $COUNTS, 0;
    read $f, my $which, 8;
    my $at = $ANCHORS[unpack('Q<', $which) & 1];
    seek $f, $at, 0;
    read $f, my $bytes, 8;
    seek $f, $at, 0;
    print $f pack 'q<', $new if defined $new;
    close $f or die "segment: $!\n";
    return unpack 'q<', $bytes;
}

$server->start;
my $b = $server->browser;
$b->get('/s/cgi/app', h => ['Session-Set: cart=3&user=alice']);
my $id = $b->cookie('sid');
is($b->get('/strict/cgi/app')->status, 200, 'at first all is well');
$server->stop;
my $before = anchor();
anchor($before + 86_400_000);
$server->start;

for my $app ('cgi/app', 'php/app.php') {
    my $r = $b->get("/s/$app");
    is($r->status, 200, "$app: without the store the app runs");
    is($r->env('SESSION_STATUS'), 'unavailable', "$app: and is told");
    is($r->env('SESSION_USER'), undef, "$app: it sees nobody");
    is($r->header('Set-Cookie'), undef, "$app: no cookie is touched");

    my $mark = $server->log_mark;
    $r = $b->get("/s/$app", h => ['Session-Set: cart=4'], body => 'ok');
    is($r->status . $r->text, '200ok',
        "$app: a write does not harm the answer");
    is($r->header('Set-Cookie'), undef, "$app: nor the cookie");
    like($server->error_log_since($mark), qr/\[session_ext:error\].*lost/,
        "$app: that it is lost is in the log");

    my $new = $server->browser;
    $r = $new->get("/s/$app", h => ['Session-Set: cart=4']);
    is($r->header('Set-Cookie'), undef, "$app: no session begins");

    $r = $b->get("/s/$app", h => ['Session-Renew: on']);
    is($r->header('Set-Cookie'), undef, "$app: none is renewed");
}

$b->set_cookie(sid => 'A' x 48);
my $r = $b->get('/s/cgi/app', h => ['Session-Set: cart=4']);
is($r->header('Set-Cookie'), undef, 'not even a forged id is replaced');
$b->set_cookie(sid => $id);

$r = $b->get('/strict/cgi/app', body => 'ran');
is($r->status, 503, 'where it is asked for the answer is 503');
unlike($r->body, qr/BODY=ran/, 'and the app does not run');
is($r->header('Set-Cookie'), undef, 'the cookie stays there too');
$r = $b->get('/guarded/cgi/app');
is($r->status, 503, 'an error page in that scope keeps the status');
is($r->env('SESSION_STATUS'), 'unavailable', 'and can be an app');

for my $end ('Session-Destroy: on', 'Session-Logout: all',
    'Session-Logout: others') {
    my $leaver = $b->clone;
    $r = $leaver->get('/s/cgi/app', h => [$end], body => 'bye');
    is($r->status, 503, "a $end that cannot be done answers 503");
    unlike($r->body, qr/bye/, "$end: without the app's page");
    is($leaver->cookie('sid'), undef, "$end: and deletes the cookie");
    like($r->header('Cache-Control') || '', qr/no-store/,
        "$end: which no cache may keep");
}

is($b->cookie('sid'), $id, 'all that time the browser has kept its id');
$server->stop;
anchor($before);
$server->start;
$r = $b->get('/s/cgi/app');
is($r->env('SESSION_STATUS'), 'active', 'when the store is back, so is it');
is($r->env('SESSION_DATA'), 'cart=3&user=alice', 'as it was');
SxTest::done();
