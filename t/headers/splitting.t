# SPDX-License-Identifier: Apache-2.0
# No value of a session, a user or a message splits a header, an environment
# variable, a log line or a request to a backend, whatever bytes it has.
use SxTest;
use SxTest::Wire;

my $backend = SxTest::Server->new(module => 0);
$backend->start;
my $to = 'http://127.0.0.1:' . $backend->port . '/any';
my $server = SxTest::Server->new(scopes => 1, php => 1, conf => <<"EOF2");
LogFormat "%U user=%u" users
CustomLog "\${SX_LOGS}/users_log" users
<Location "/told/">
    SessionExt On
    SessionExtNamespace localhost
    SessionExtRemoteUser On
    SessionExtRequestHeaders On
    ProxyPass $to/ disablereuse=On
</Location>
<Location "/user/">
    SessionExt On
    SessionExtNamespace localhost
    SessionExtRemoteUser On
    SessionExtRequestHeaders On
</Location>
EOF2
$server->start;

my @ENDS = ("\r\n", "\n", "\r", "\0", "\x0B", "\x0C", "\x85", "\xE2\x80\xA8",
    "\r\n\r\n", "\x1B[2J");

sub evil { return "x$_[0]X-Evil: 1$_[0]Set-Cookie: evil=1" }

for my $end (@ENDS) {
    my $value = SxTest::Browser::escape(evil($end));
    my $label = join '', map { sprintf '%02X', ord } split //, $end;
    my $b = $server->browser;
    my $r = $b->post('/s/cgi/app', h => ["Session-Set: a=$value&user=$value"]);
    is(join(' ', $r->headers('X-Evil'), grep { /evil/ }
        $r->headers('Set-Cookie')), '', "$label: the answer has no such header");
    $b->post('/s/cgi/app', status => 302, h => ["Session-Flash: info=$value"]);
    for my $path ('/told/cgi/app', '/user/cgi/app', '/user/php/app.php') {
        $r = $b->get($path, h => ['Session-Flash-Keep: on']);
        is($r->status, 200, "$label: $path answers");
        is(join(' ', grep { /EVIL/ || /^evil/ } keys %{ $r->envs }), '',
            "$label: $path sees no such variable or header");
        my @raw = grep { /[\0-\x1F\x7F]/ }
            map { $r->env($_) } grep { !/^HTTP_(?:HOST|ACCEPT)/ }
            keys %{ $r->envs };
        is(scalar @raw, 0, "$label: and no control byte in any");
    }
    is($b->get('/s/cgi/app')->env('SESSION_DATA') =~ /(?:^|&)a=([^&]*)/
        && $1 =~ tr/+/ /r =~ s/%(..)/chr hex $1/ger, evil($end),
        "$label: the data has it, encoded");
}

# Raw, where httpd lets an app send it.
for my $byte ("\r", "\x01", "\x0B", "\x7F", "\x1B") {
    my $label = sprintf '%02X', ord $byte;
    my $b = $server->browser;
    my $r = $b->get('/s/cgi/app', h => ["Session-Set: a=x${byte}X-Evil:1"]);
    is($r->header('X-Evil'), undef, "raw $label: splits nothing");
    my $data = $b->get('/s/cgi/app')->env('SESSION_DATA') // '';
    unlike($data, qr/[\0-\x1F\x7F]/, "raw $label: is in no variable");
}

$server->stop;
open my $in, '<', $server->root . '/logs/users_log' or die "no log: $!\n";
my @lines = <$in>;
ok(scalar @lines, 'there is a log of users');
is(join('', grep { !/^\/\S+ user=/ } @lines), '',
    'no user begins a line of its own in it');
unlike($server->error_log, qr/^X-Evil/m, 'nor in the error log');
SxTest::done();
