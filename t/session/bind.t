# SPDX-License-Identifier: Apache-2.0
# SessionExtBind: what is done when the client of a session is another one.
use SxTest;

my $APP = '/s/cgi/app';
my $KILL = '/bind-kill/cgi/app';

sub has_ipv6
{
    open my $in, '<', '/proc/net/if_inet6' or return 0;
    return defined scalar <$in>;
}

sub as
{
    my ($b, $ua, $app, @more) = @_;
    return $b->get($app, header => { 'User-Agent' => $ua }, @more);
}

# The default is to log the User-Agent.
{
    my $b = SxTest->browser;
    as($b, 'Firefox/128', $APP, h => ['Session-Set: cart=3']);
    my $mark = SxTest::log_mark();
    as($b, 'Firefox/128', $APP) for 1 .. 3;
    unlike(SxTest::error_log_since($mark), qr/its client/,
        'the same client is nothing to tell of');
    my $r = as($b, 'Firefox/129', $APP);
    is($r->env('SESSION_VAR_cart'), '3', 'another one has the session');
    is($r->header('Set-Cookie'), undef, 'and no other cookie');
    my @pending = map {
        $b->clone->start($APP, wait => 'ua', header =>
            { 'User-Agent' => 'Firefox/130' }, h => ["Session-Set: k$_=1"])
    } 1 .. 8;
    SxTest::reached('ua', 8);
    SxTest::release('ua');
    $_->finish for @pending;
    as($b, 'Firefox/130', $APP) for 1 .. 3;
    my $log = SxTest::error_log_since($mark);
    my $said = () = $log =~ /:warn\].*its client has another User-Agent/g;
    is($said, 2, 'the log has one line for each change, however many requests');
    unlike($log, qr/Firefox/, 'without what it was');
    like($log, qr/session [0-9a-f]{16}: its client/, 'with the handle');
    is(as($b, 'Firefox/130', $APP)->env('SESSION_VERSION'), 9,
        'and no version but for the eight writes');
}

# kill: whoever took the cookie ends the session.
{
    my $b = SxTest->browser;
    as($b, 'Firefox/128', $KILL, h => ['Session-Set: user=alice']);
    my $thief = $b->clone;
    my $slow = $b->clone->start($KILL, wait => 'slow', header =>
        { 'User-Agent' => 'Firefox/128' }, h => ['Session-Set: late=1']);
    SxTest::reached('slow');
    my $mark = SxTest::log_mark();
    my $r = as($thief, 'curl/8', $KILL);
    is($r->env('SESSION_STATUS'), 'invalid', 'kill: another client has none');
    is($r->env('SESSION_DATA'), undef, 'kill: and sees nothing');
    SxTest::release('slow');
    is($slow->finish->header('Set-Cookie'), undef,
        'kill: a slow request brings nothing back');
    is(as($b, 'Firefox/128', $KILL)->env('SESSION_STATUS'), 'invalid',
        'kill: its own client has to log in again');
    as($thief, 'curl/8', $KILL) for 1 .. 3;
    my $log = SxTest::error_log_since($mark);
    my $said = () = $log =~ /ended: its client has another User-Agent/g;
    is($said, 1, 'kill: the log has one line');
    unlike($log, qr/curl|Firefox/, 'kill: without what it was');
}

# A part that a scope does not look at is no change there.
{
    my $b = SxTest->browser;
    as($b, 'Firefox/128', $KILL, h => ['Session-Set: cart=3']);
    is(as($b, 'curl/8', '/bind-off/cgi/app')->env('SESSION_VAR_cart'), '3',
        'off: nobody looks');
    is(as($b, 'Firefox/128', $KILL)->env('SESSION_VAR_cart'), '3',
        'and nothing was noted there');
}

# The address, as mod_remoteip tells it, and the client's certificate.
my $tls = SxTest::has('mod_ssl') && SxTest::has('openssl')
    && SxTest::has('curl');
my $port = SxTest::Paths::free_port();
my $server = SxTest::Server->new(scopes => 1,
    more => ['remoteip', $tls ? 'ssl' : ()], conf => <<"EOF2");
RemoteIPHeader X-Real-IP
RemoteIPInternalProxy 127.0.0.1
<Location "/ip24/">
    SessionExt On
    SessionExtBind kill ip/24
</Location>
<Location "/ip32/">
    SessionExt On
    SessionExtBind kill ip/32
</Location>
EOF2
my $dir = $server->runtime_dir;
# One socket for both families, where IPv4 addresses come as IPv6 ones.
my $dual = has_ipv6() ? SxTest::Paths::free_port() : 0;
$server->write_conf($server->{conf} . "Listen [::]:$dual http") if $dual;
$server->write_conf($server->{conf} . <<"EOF2") if $tls;

Listen 127.0.0.1:$port https
<VirtualHost *:$port>
    ServerName localhost
    SSLEngine On
    SSLCertificateFile run/server.pem
    SSLCertificateKeyFile run/server.key
    SSLVerifyClient optional_no_ca
    <Location "/cert/">
        SessionExt On
        SessionExtBind kill tls
    </Location>
</VirtualHost>
EOF2
for my $name ($tls ? qw(server one two) : ()) {
    is(system('openssl req -x509 -newkey rsa:2048 -nodes -days 2'
        . " -subj /CN=$name -keyout $dir/$name.key -out $dir/$name.pem"
        . " >$dir/said 2>&1"), 0, "a certificate is made for $name");
    chmod 0644, "$dir/$name.key";
}
$server->start;

sub from
{
    my ($b, $address, $app, @more) = @_;
    return $b->get($app, header => { 'X-Real-IP' => $address }, @more);
}

if ($dual) {
    my $b = $server->browser;
    $b->get('/ip24/cgi/app', h => ['Session-Set: cart=3']);
    is($b->get('/ip24/cgi/app', port => $dual)->env('SESSION_VAR_cart'), '3',
        'an IPv4 address is the same on a socket for both families');
}

# As the address mask has it: scope, first address, others that are the same,
# and one that is not.
for my $case (['ip24', '192.0.2.1', '192.0.2.200', '192.0.3.1'],
        ['ip32', '192.0.2.1', '192.0.2.1', '192.0.2.2'],
        ['ip24', '2001:db8:1:2300::1', '2001:db8:1:23ff:9:9:9:9',
            '2001:db8:1:2400::1'],
        ['ip32', '2001:db8:1:2300::1', '2001:db8:1:2300:9:9:9:9',
            '2001:db8:1:2301::1']) {
    my ($scope, $first, $same, $other) = @$case;
    my $app = "/$scope/cgi/app";
    my $b = $server->browser;
    from($b, $first, $app, h => ['Session-Set: cart=3']);
    my $r = from($b, $same, $app);
    is($r->env('SESSION_VAR_cart'), '3', "$scope: $first is $same");
    my $mark = $server->log_mark;
    is(from($b, $other, $app)->env('SESSION_STATUS'), 'invalid',
        "$scope: and not $other");
    my $log = $server->error_log_since($mark);
    like($log, qr/its client has another address/, "$scope: the log says so");
}

sub tls_get
{
    my ($name, $cookie, $query) = @_;
    my $with = $cookie ? "-H 'Cookie: __Host-sid=$cookie'" : '';
    $with .= " -E $dir/$name.pem --key $dir/$name.key" if $name;
    return scalar
        qx(curl -s -k -i -m 10 $with 'https://localhost:$port/cert/cgi/app?$query');
}

for my $name ($tls ? ('', 'one') : ()) {
    my $text = tls_get($name, undef, 'h=Session-Set:+cart=3');
    my ($id) = $text =~ /^Set-Cookie: __Host-sid=(\S{48});/mi;
    ok($id, "tls: a session begins with certificate '$name'");
    like(tls_get($name, $id, ''), qr/^SESSION_VAR_cart=3$/m,
        'tls: another connection of its client has it');
    like(tls_get('two', $id, ''), qr/^SESSION_STATUS=invalid$/m,
        'tls: one with another certificate has not');
    like(tls_get($name, $id, ''), qr/^SESSION_STATUS=invalid$/m,
        'tls: and ended it');
}
SxTest::done();
