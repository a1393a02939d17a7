# SPDX-License-Identifier: Apache-2.0
# Sessions in expressions: %{session:KEY}, session('KEY'), %{SESSION_STATUS} and
# its like, wherever httpd takes an expression; whose settings it sees there;
# what caches are told of it.
use SxTest;

sub visitor
{
    my ($set, $host) = @_;
    my $b = SxTest->browser($host ? (host => $host) : ());
    $b->get('/s/cgi/app', h => ["Session-Set: $set"]);
    return $b;
}

my $nobody = SxTest->browser;
my $admin = visitor('role=admin&user=ann&a+key=x&n=7');

# --- what they come to --------------------------------------------------------
my $env = $admin->get('/s/cgi/app');
my @facts = map { $env->env("SESSION_$_") // '' } qw(STATUS HANDLE USER CREATED
    LAST_ACCESS EXPIRES IDLE_LEFT VERSION);
for my $path ('static/1k.txt', 'cgi/app') {
    my $r = $admin->get("/expr_header/$path");
    my @seen = split /\|/, $r->header('X-Facts') // '', -1;
    ok(abs($seen[6] - $facts[6]) <= 3, "$path: seconds are left");
    $seen[6] = $facts[6];
    is(join('|', @seen), join('|', @facts),
        "$path: facts are those of the environment");
    is($r->header('X-Value'), '<admin>', "$path: a value");
    is($r->header('X-Always'), '<admin>', "$path: in Header always");
    is($r->header('X-Other'), '<x>', "$path: of any key");
    is($r->header('X-Missing'), '<>', "$path: a missing key is empty");
    like($r->header('Vary') // '', qr/\bCookie\b/, "$path: Vary: Cookie");
    like($r->header('Cache-Control') // '', qr/\bprivate\b/, "$path: private");

    $r = $nobody->get("/expr_header/$path");
    is($r->header('X-Facts'), 'none|||||||', "$path: nobody has a status");
    is($r->header('X-Value'), '<>', "$path: and nothing else");
    like($r->header('Vary') // '', qr/\bCookie\b/, "$path: nobody: Vary");
    is($r->header('Cache-Control'), undef, "$path: nobody: for all of them");

    $r = $admin->get("/expr_off/$path");
    is($r->header('X-Facts'), '<||>', "$path: sessions are off: all is empty");
    is($r->header('Vary'), undef, "$path: and caches may keep it");
}
is(visitor('role=admin%00x')->get('/expr_header/cgi/app')->header('X-Value'),
    '<>', 'a value with a NUL is none, and not its beginning');
my $r = $nobody->get('/expr_header/cgi/app', h => ['Session-Set: role=new']);
is($r->header('X-Value'), '<new>', 'Header sees what the app has written');
my $forged = SxTest->browser;
$forged->set_cookie(sid => 'A' x 48);
is($forged->get('/expr_header/cgi/app')->header('X-Facts'), 'invalid|||||||',
    'an id that was not issued is invalid');

# --- where they are taken -----------------------------------------------------
my %key = (header => { 'X-Key' => 'n' });
$r = $admin->get('/expr_in/cgi/app', %key);
is($r->env('HTTP_X_FROM'), '<admin>', 'RequestHeader');
is($r->header('X-Env'), '<yes>', 'SetEnvIfExpr');
is($r->header('X-Rewritten'), '<yes>',
    'RewriteCond expr, with a key that is known only then');
$r = $admin->get('/expr_in/cgi/app', header => { 'X-Key' => 'a key' });
is($r->header('X-Rewritten'), '<(null)>', 'which is another key');
$r = visitor('role=user')->get('/expr_in/cgi/app', %key);
is($r->header('X-Env'), '<(null)>', 'SetEnvIfExpr: another value');
is($admin->get('/expr_require/static/1k.txt')->status, 200, 'Require expr');
is($nobody->get('/expr_require/static/1k.txt')->status, 403,
    'Require expr: not for nobody');
$r = $admin->get('/expr_key/static/1k.txt', %key);
is($r->header('X-Seven'), '<yes>', 'a condition in front of a plain file');
like($r->header('Cache-Control') // '', qr/\bprivate\b/,
    'makes it private, whatever came of it');

# --- which settings are seen --------------------------------------------------
my $here = visitor('role=admin', 'expr.test');
my $guest = SxTest->browser(host => 'expr.test');
is($here->get('/expr_scope/static/style.css')->header('X-If'), 'admin',
    '<If> sees <Location>');
is($guest->get('/expr_scope/static/style.css')->header('X-If'), undef,
    'and tells one from the other');
$r = $here->get('/expr_scope/static/1k.txt');
like($r->body, qr/html/, 'RewriteCond of the server sees <Location>');
like($r->header('Cache-Control') // '', qr/\bprivate\b/,
    'where it leads to sessions are off: the answer is private all the same');
like($r->header('Vary') // '', qr/\bCookie\b/, 'and varies');
unlike($guest->get('/expr_scope/static/1k.txt')->body, qr/html/,
    'another one is not led there');
unlike($here->get('/narrow/static/1k.txt')->body, qr/html/,
    'RewriteCond of the server does not see <Directory>');
is($here->get('/narrow/static/1k.txt')->header('X-If'), 'admin', '<If>');
is(visitor('role=admin', 'expr-all.test')->get('/x/static/1k.txt')
    ->header('X-Env'), '<yes>', 'SetEnvIfExpr of a host sees that host');
SxTest::done();
