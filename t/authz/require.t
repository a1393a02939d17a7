# SPDX-License-Identifier: Apache-2.0
# Require session, session-user, session-key, session-age: who is let in, before
# any app runs, and to plain files, too; what caches are told of that.
use SxTest;

sub visitor
{
    my ($set) = @_;
    my $b = SxTest->browser;
    $b->get('/s/cgi/app', h => ["Session-Set: $set"]) if $set;
    return $b;
}

# Both an app and a file of a scope answer this one with that status.
sub check
{
    my ($b, $scope, $status, $label, %how) = @_;
    my $app = $b->get("/authz_$scope/cgi/app", body => 'ran', %how);
    is($app->status, $status, $label);
    is($app->body =~ /BODY=ran/ ? 1 : 0, $status == 200 ? 1 : 0,
        "$label: " . ($status == 200 ? 'the app runs' : 'no app has run'));
    is($b->get("/authz_$scope/static/1k.txt", %how)->status, $status,
        "$label: so it is with a file");
    return $app;
}

my $nobody = visitor();
my $alice = visitor('user=alice&role=admin');
my $bob = visitor('user=bob+b&role=head+of+all');
my $eve = visitor('user=eve&role=adm');
my $guest = visitor('cart=1');

check($nobody, 'any', 403, 'session: nobody');
is($nobody->cookie('sid'), undef, 'and gets no cookie by that');
check($guest, 'any', 200, 'session: anonymous, but with a session');
my $forged = SxTest->browser;
$forged->set_cookie(sid => 'A' x 48);
check($forged, 'any', 403, 'session: an id that was not issued');

check($alice, 'user', 200, 'session-user: the first name');
check($bob, 'user', 200, 'session-user: a quoted name with a space');
check($eve, 'user', 403, 'session-user: another user');
check($guest, 'user', 403, 'session-user: no user');
check($nobody, 'user', 403, 'session-user: no session');
check($alice, 'boss', 403, 'session-user goes by SessionExtUserKey');
check(visitor('boss=alice'), 'boss', 200, 'whichever key that is');

check($alice, 'key', 200, 'session-key: the first value');
check($bob, 'key', 200, 'session-key: a quoted value with spaces');
check($eve, 'key', 403, 'session-key: only the beginning of a value');
check($guest, 'key', 403, 'session-key: the key is not there');
check(visitor('Role=admin'), 'key', 403, 'session-key: another case');
check(visitor('role=admin%00x'), 'key', 403,
    'session-key: a NUL does not end a value');
check(visitor('role=%22head+of+all%22'), 'key', 403,
    'session-key: quotes are not of the value');
check(visitor('role='), 'empty', 200, "session-key: '' is the empty value");
check($guest, 'empty', 403, 'and not a missing one');

my %as = (header => { 'X-Role' => 'adm' });
check($eve, 'header', 200, 'an expression as a value', %as);
check($alice, 'header', 403, 'which is another value', %as);
check(visitor('role='), 'header', 403,
    'an expression that comes to nothing lets nobody in');

check($alice, 'not', 200, 'Require not: another value');
check($guest, 'not', 200, 'Require not: no such key');
check(visitor('role=banned'), 'not', 403, 'Require not: the value');
check($nobody, 'not', 403, 'Require not alone lets nobody in');
check($nobody, 'none', 200, 'RequireNone: nobody');
check(visitor('user=mallory'), 'none', 403, 'RequireNone: the user');

# Where sessions are off nobody is let in, also by the opposite.
for my $scope (qw(off off_not)) {
    my $mark = SxTest::log_mark();
    check($alice, $scope, 403, "$scope: sessions are off here");
    like(SxTest::error_log_since($mark),
        qr/\[session_ext:error\].*Require session.*sessions are off here/,
        "$scope: which the log says");
}

# --- time ---------------------------------------------------------------------
my $young = visitor('cart=1');
my $old = visitor('user=alice');
check($young, 'age', 200, 'session-age: a session that has just begun');
check($old, 'age', 200, 'session-age: a log-in just now');
select undef, undef, undef, 4.5;
check($young, 'age', 403, 'session-age: it began too long ago');
check($old, 'age', 403, 'session-age: so was the log-in');
$old->get('/s/cgi/app', h => ['Session-Set: cart=2']);
check($old, 'age', 403, 'session-age: a write is no log-in');
$old->get('/s/cgi/app', h => ['Session-Unset: user']);
$old->get('/s/cgi/app', h => ['Session-Set: user=alice']);
check($old, 'age', 200, 'session-age: another log-in is one');
check($nobody, 'age', 403, 'session-age: no session');

# --- caches -------------------------------------------------------------------
for my $path ('static/1k.txt', 'cgi/app') {
    my $r = $alice->get("/authz_user/$path");
    like($r->header('Vary') // '', qr/\bCookie\b/, "$path: Vary: Cookie");
    like($r->header('Cache-Control') // '', qr/\bprivate\b/,
        "$path: private: the session has let it out");
    $r = $eve->get("/authz_user/$path");
    like($r->header('Vary') // '', qr/\bCookie\b/, "$path, denied: Vary");
    like($r->header('Cache-Control') // '', qr/\bprivate\b/,
        "$path, denied: private");
    $r = $nobody->get("/authz_none/$path");
    like($r->header('Vary') // '', qr/\bCookie\b/, "$path, nobody: Vary");
    is($r->header('Cache-Control'), undef, "$path, nobody: for all of them");
}
my $r = $alice->get('/s/static/1k.txt');
is($r->header('Vary') // '', '', 'where nothing asks a file is for all');
SxTest::done();
