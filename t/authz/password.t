# SPDX-License-Identifier: Apache-2.0
# Require session… beside AuthType: who is not let in by a session is asked for
# a password, 401; and a password is no session.
use MIME::Base64 qw(encode_base64);
use Digest::SHA qw(sha1);
use SxTest;

my $s = SxTest::Server->new(scopes => 1);
my $passwords = $s->root . '/passwords';
open my $out, '>', $passwords or die "$passwords: $!\n";
print $out 'ann:{SHA}', encode_base64(sha1('secret'), ''), "\n";
close $out or die "$passwords: $!\n";
chmod 0644, $passwords;
my $basic = "SessionExt On\nAuthType Basic\nAuthName ours\n"
    . "AuthUserFile $passwords\n";
$s->write_conf(<<"EOF2");
<Location "/both/">
    $basic
    Require session-key role admin
</Location>
<Location "/either/">
    $basic
    <RequireAny>
        Require session-key role admin
        Require valid-user
    </RequireAny>
</Location>
<Location "/told/">
    $basic
    SessionExtRemoteUser On
    Require session-key role admin
</Location>
<Location "/forbidden/">
    $basic
    AuthzSendForbiddenOnFailure On
    Require session-key role admin
</Location>
EOF2
$s->start;

my %password = (header =>
    { Authorization => 'Basic ' . encode_base64('ann:secret', '') });
my $nobody = $s->browser;
my ($admin, $user) = map { $s->browser } 1, 2;
$admin->get('/s/cgi/app', h => ['Session-Set: role=admin&user=eve']);
$user->get('/s/cgi/app', h => ['Session-Set: role=user&user=joe']);

for my $scope (qw(both either told forbidden)) {
    is($admin->get("/$scope/cgi/app")->status, 200,
        "$scope: the session is enough, and no password is asked for");
    for my $who ($nobody, $user) {
        my $r = $who->get("/$scope/cgi/app");
        is($r->status, 401, "$scope: else one is");
        like($r->header('WWW-Authenticate') // '', qr/Basic realm="ours"/,
            "$scope: in the usual way");
    }
}
is($nobody->get('/either/cgi/app', %password)->status, 200,
    'where either will do a password does');
my $r = $nobody->get('/both/cgi/app', %password);
is($r->status, 401, 'a password is no session');
like($r->header('WWW-Authenticate') // '', qr/Basic/, 'another may be tried');
is($nobody->get('/forbidden/cgi/app', %password)->status, 403,
    'or not, as AuthzSendForbiddenOnFailure says');
SxTest::done();
