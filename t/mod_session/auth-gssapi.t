# SPDX-License-Identifier: Apache-2.0
# mod_auth_gssapi keeps a Kerberos log-in in our session: one negotiation, and
# then the cookie will do; the id is new, and the token shown to no app.
use SxTest;
use SxTest::Kdc;
use SxTest::ModSession qw(on);

my $kdc = SxTest::Kdc->new;
my $scope = on('SessionEnv On', 'AuthType GSSAPI', 'AuthName Kerberos',
    'GssapiCredStore keytab:' . $kdc->keytab, 'GssapiUseSessions On',
    'GssapiSessionKey key:' . 'QUJDREVGR0hJSktMTU5PUFFSU1RVVldYWVphYmNkZWY=',
    'Require valid-user');
my $s = SxTest::Server->new(more => [qw(session auth_gssapi)]);
$s->write_conf("<Location \"/open/\">\nSessionExt On\n</Location>\n"
    . "<Location \"/in/\">\n$scope</Location>\n");
$s->start;
my $url = 'http://localhost:' . $s->port;

# curl, which can negotiate: status and body of its last request.
sub curl
{
    my ($path, @options) = @_;
    my $jar = $s->root . '/logs/jar';
    my $head = $s->root . '/logs/head';
    open my $in, '-|', 'curl', '-s', '-c', $jar, '-b', $jar, '-D', $head,
        @options, "$url$path" or die "curl: $!\n";
    my $body = do { local $/; <$in> } // '';
    close $in;
    open $in, '<', $head or die "$head: $!\n";
    my @head = <$in>;
    my ($status) = map { m{^HTTP/\S+ (\d+)} ? $1 : () } reverse @head;
    my @cookies = grep { /^Set-Cookie:/i } @head;
    open $in, '<', $jar or die "$jar: $!\n";
    my ($id) = map { /\tsid\t(\S+)/ ? $1 : () } <$in>;
    return { status => $status, body => $body, cookies => scalar @cookies,
        id => $id // '' };
}

my $r = curl('/open/cgi/app?h=Session-Set:+cart%3D3');
my $planted = $r->{id};
is(length $planted, 48, 'a visitor has a session');
is(curl('/in/cgi/app')->{status}, '401', 'without a ticket nobody is let in');

$ENV{KRB5CCNAME} = $kdc->ticket('ann');
$r = curl('/in/cgi/app', '--negotiate', '-u', ':');
is($r->{status}, '200', 'with one ann is');
like($r->{body}, qr/^REMOTE_USER=ann/m, 'by name');
is($r->{cookies}, 1, 'and one cookie is set');
isnt($r->{id}, $planted, 'with a new id');

$r = curl('/in/cgi/app');
is($r->{status}, '200', 'then the cookie will do');
like($r->{body}, qr/^REMOTE_USER=ann/m, 'for the same name');
like($r->{body}, qr/^SESSION_VAR_cart=3$/m, 'what was there before still is');
like($r->{body}, qr/^SESSION_ENV_OMITTED=MagBearerToken$/m,
    'the token is kept');
unlike($r->{body}, qr/^(?:SESSION_DATA|HTTP_SESSION)=.*Mag/m,
    'and shown to no app');
is($r->{cookies}, 0, 'and no cookie is set');
is($s->browser->get('/in/cgi/app', header => { Cookie => "sid=$planted" })
    ->status, 401, 'who has planted an id has nothing');
SxTest::done();
