# SPDX-License-Identifier: Apache-2.0
# Over HTTP/2 a browser may send each cookie in a field of its own: they are one
# header again, and nothing that HTTP/1 refuses to a client is let in by it.
use SxTest;

# mod_http2 refuses to work under prefork: there is nothing to test.
if (SxTest::mpm() eq 'prefork') {
    pass('there is no HTTP/2');
    SxTest::done();
    exit 0;
}
my $server =
    SxTest::Server->new(scopes => 1, conf => "Protocols h2c http/1.1\n");
$server->start;
my $b = $server->browser;
$b->get('/s/cgi/app', h => ['Session-Set: a=1']);
my $id = $b->cookie('sid');
my $bad = substr($id, 0, 47) . (substr($id, 47) eq 'A' ? 'B' : 'A');

# The answer to a request with these header lines.
sub ask
{
    my (@head) = @_;
    open my $out, '-|', qw(curl -s -i -m 10 --http2-prior-knowledge),
        (map { ('-H', $_) } @head),
        'http://127.0.0.1:' . $server->port . '/s/cgi/app'
        or die "curl: $!\n";
    local $/;
    return scalar <$out>;
}

like(ask("Cookie: sid=$id"), qr/^HTTP\/2 200.*^SESSION_VAR_a=1\r?$/ms,
    'an id is found');
for my $case (
    ['last', 'Cookie: a=1', "Cookie: sid=$id"],
    ['first', "Cookie: sid=$id", 'Cookie: a=1'],
    ['among others', 'Cookie: a=1; b=2', "Cookie: sid=$id", 'Cookie: c=3'],
    ['beside a forged one', "Cookie: sid=$bad", "Cookie: sid=$id"],
    ['twice', "Cookie: sid=$id", "Cookie: sid=$id"],
) {
    my ($where, @head) = @$case;
    my $got = ask(@head);
    like($got, qr/^SESSION_VAR_a=1\r?$/m, "also in a field of its own, $where");
    unlike($got, qr/\Q$id\E/, "and is hidden from the app, $where");
}
like(ask('Cookie: a=1, sid=' . $id), qr/^SESSION_STATUS=none\r?$/m,
    'a comma separates nothing');
my $got = ask("Cookie: sid=$id", 'X-Session-User: root', 'session-destroy: on',
    'X_Session_User: root', 'session-set: a=2');
unlike($got, qr/root/, 'what poses as ours arrives nowhere');
unlike($got, qr/^set-cookie/mi, 'and no command is obeyed');
is($b->get('/s/cgi/app')->env('SESSION_DATA'), 'a=1',
    'the session is as it was');
SxTest::done();
