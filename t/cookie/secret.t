# SPDX-License-Identifier: Apache-2.0
# H3: no id, no key and no value in any log, whatever happens to a session.
use SxTest;

my $server = SxTest::Server->new(scopes => 1, conf => <<'EOF2');
LogLevel debug session_ext:trace8
ShmStore small size=2m
<Location "/small/">
    SessionExt On
    SessionExtStore shm:small
    SessionExtMaxSize 512
    SessionExtRemoteUser On
    SessionExtRequestHeaders On
    SessionExtRenewInterval 1
    SessionExtRenewGrace 0
</Location>
EOF2
$server->start;

my ($K, $V) = ('SECRETKEY', 'SECRETVALUE');
my @SECRETS = ($K, $V);

sub ask
{
    my ($b, $path, @h) = @_;
    my $r = $b->get($path, h => \@h);
    my $id = $b->cookie('sid');
    push @SECRETS, $id if defined $id && length $id == 48;
    return $r;
}

sub life
{
    my ($path) = @_;
    my $b = $server->browser;
    ask($b, $path);
    ask($b, $path, "Session-Set: $K=$V&user=SECRETUSER",
        "Session-Flash: info=$V");
    my $old = $b->clone;
    is(ask($b, $path)->env('SESSION_USER'), 'SECRETUSER', "$path: a session");
    ask($b, $path, $_) for "Session-Set: $K=$V%zz", "Session-Set: $K",
        "Session-Set: $K=two $V", "Session-Incr: $K=1", "Session-Incr: n=$V",
        "Session-Append: $K=" . $V x 100, "Session-Unset: $K=$V",
        "Session-Flash: $V=$V", "Session-Destroy: $V", "Session-Renew: $V",
        "Session-Idle: $V", "Session-If-Version: 99", "Session-If-Version: $V",
        "Set-Cookie: sid=$V", "Session-Set: " . $K x 12 . "=$V",
        "Session-Logout: $V", 'Session-Renew: on';
    ask($old, $path);
    my $id = $b->cookie('sid');
    for my $cookie ("sid=${id}x", "sid=$V",
        "sid=$id; sid=" . $old->cookie('sid'),
        'sid=' . substr($id, 0, 47) . 'A')
    {
        $b->get($path, header => { Cookie => $cookie },
            h => ['Session-Set: a=1']);
    }
    ask($b, $path, 'Session-Destroy: on', "Session-Set: $K=$V");
    ask($old, $path, 'Session-Destroy: on');
    return;
}

life("/$_/cgi/app") for qw(s small plain);
$server->stop;

my $all = $server->error_log;
for my $file (glob $server->root . '/logs/*') {
    next if !-f $file || $file =~ /access_log$/;
    open my $in, '<', $file or die "$file: $!\n";
    local $/;
    $all .= <$in> // '';
}
like($all, qr/\[session_ext:info\].*created/, 'the log says what happens');
like($all, qr/\[session_ext:error\].*refused/, 'and what was refused');
my %ids = map { $_ => 1 } grep { length == 48 } @SECRETS;
cmp_ok(scalar keys %ids, '>=', 6, 'there were ids enough');
is(join('|', grep { index($all, $_) >= 0 } sort keys %ids), '',
    'no id is there');
is(join('|', $all =~ /(SECRET\w*)/g), '', 'nor any key, value or user');
SxTest::done();
