# SPDX-License-Identifier: Apache-2.0
# SessionExtRequestHeaders: an http backend gets the session as X-Session-*
# request headers; what a client sends under these names never arrives.
use SxTest;

my $backend = SxTest::Server->new(module => 0);
$backend->start;
my $to = 'http://127.0.0.1:' . $backend->port . '/any';
my $server = SxTest::Server->new(scopes => 1, php => 1, conf => <<"EOF");
<Location "/told/">
    SessionExt On
    SessionExtNamespace localhost
    SessionExtRequestHeaders On
    ProxyPass $to/ disablereuse=On
</Location>
<Location "/untold/">
    SessionExt On
    SessionExtNamespace localhost
    ProxyPass $to/ disablereuse=On
</Location>
<Location "/without/">
    ProxyPass $to/ disablereuse=On
</Location>
<Location "/some/">
    SessionExt On
    SessionExtNamespace localhost
    SessionExtRequestHeaders On
    SessionExtEnv cart
    ProxyPass $to/ disablereuse=On
</Location>
EOF
$server->start;

my %FORGED = (
    'X-Session-Status' => 'active', 'X-Session-User' => 'root',
    'X-Session-Handle' => '0' x 16, 'X-Session-Version' => '99',
    'X-Session-Data-1' => 'role=admin', 'X-Session-Data-7' => 'x=y',
    'X-Session-Flash' => 'info=forged', 'x-session-user' => 'root',
    'X_Session_User' => 'root', 'X-Session_User' => 'root',
    'X-Session-Data' => 'role=admin');

sub told
{
    my ($r) = @_;
    return join ' ', map { "$_=" . $r->env($_) }
        grep { /^HTTP_X_SESSION/ } sort keys %{ $r->envs };
}

my $new = $server->browser;
is(told($new->get('/told/cgi/app')), 'HTTP_X_SESSION_STATUS=none',
    'of a new client a backend is told that there is no session');

my $b = $server->browser;
$b->get('/s/cgi/app',
    h => ['Session-Set: user=alice&cart=3&odd=a%26b%3Dc+d%C3%BC']);
$b->get('/s/cgi/app', h => ['Session-Flash: info=Saved+it'], status => 302);
my $r = $b->get('/told/cgi/app');
is($r->env('HTTP_X_SESSION_STATUS'), 'active', 'a backend is told the status');
is($r->env('HTTP_X_SESSION_USER'), 'alice', 'the user');
is($r->env('HTTP_X_SESSION_VERSION'), '1', 'the version');
my %data = map { split /=/, $_, 2 } split /&/, $r->env('HTTP_X_SESSION_DATA_1');
is($data{user} . $data{cart}, 'alice3', 'and the data, encoded as a form');
is($data{odd} =~ tr/+/ /r =~ s/%(..)/chr hex $1/ger, "a&b=c d\xC3\xBC",
    'with any byte in a value');
like($r->env('HTTP_X_SESSION_FLASH'), qr/^info=Saved(?:\+|%20)it$/,
    'and the messages');
is($r->env('HTTP_X_SESSION_HANDLE'),
    $b->get('/s/cgi/app')->env('SESSION_HANDLE'), 'under the same handle');
unlike(join(' ', values %{ $r->envs }), qr/\Q${\ $b->cookie('sid')}\E/,
    'the id is not among it');
is($r->env('HTTP_COOKIE'), undef, 'nor in a Cookie header');

is(told($b->get('/some/cgi/app', header => \%FORGED)) =~
    /DATA_1=(.*?) HTTP/ && $1, 'cart=3', 'SessionExtEnv selects here too');

# What a client claims.
for my $case (['/told/', 'HTTP_X_SESSION_STATUS=none'], ['/untold/', ''],
        ['/without/', '']) {
    my ($path, $expected) = @$case;
    is(told($new->get("${path}cgi/app", header => \%FORGED)), $expected,
        "$path: nothing that a client sends under our names arrives");
}
is($new->get('/s/cgi/app', header => \%FORGED)->env('HTTP_X_SESSION_USER'),
    undef, 'a local app does not see it either');
is($new->get('/off/cgi/app', header => \%FORGED)->env('HTTP_X_SESSION_USER'),
    undef, 'nor where sessions are off');
$r = $b->get('/told/cgi/app', header => \%FORGED);
is($r->env('HTTP_X_SESSION_USER'), 'alice', "ours win over the client's");
is($r->env('HTTP_X_SESSION_DATA_7'), undef, 'also by absence');
is(told($b->get('/untold/cgi/app')), '',
    'where it is not switched on a backend is told nothing');

# A client may name headers that a proxy must not pass on: not ours.
$r = $b->get('/told/cgi/app', header => { Connection =>
    'close, X-Session-User, x-session-status, X-Session-Data-1' });
is($r->env('HTTP_X_SESSION_STATUS'), 'active',
    'a Connection header cannot take the status away');
is($r->env('HTTP_X_SESSION_USER'), 'alice', 'nor the user');
is($r->env('HTTP_X_SESSION_DATA_1') ? 1 : 0, 1, 'nor the data');

# Data beyond one header line's worth.
$b->post('/s/cgi/app',
    h => ['Session-Set: ' . join('&', map { "k$_=" . 'v' x 90 } 1 .. 70)]);
$b->post('/s/cgi/app',
    h => ['Session-Set: ' . join('&', map { "l$_=" . 'w' x 90 } 1 .. 70)]);
$r = $b->get('/told/cgi/app');
my $n = 1;
my $all = '';
$all .= $r->env('HTTP_X_SESSION_DATA_' . $n++)
    while defined $r->env("HTTP_X_SESSION_DATA_$n");
cmp_ok($n, '>', 2, 'long data comes in parts');
is(scalar(() = $all =~ /(?:^|&)[kl]\d+=/g), 140, 'that hold all keys together');
SxTest::done();
