# SPDX-License-Identifier: Apache-2.0
# A cookie that the browser keeps: persistent, and Session-Persist.
use SxTest;

my $server = SxTest::Server->new(scopes => 1, conf => <<'EOF2');
SessionExtKeyFile run/keys
<Location "/persist/">
    SessionExt On
    SessionExtCookie persistent
    SessionExtAbsoluteTimeout 2h
</Location>
EOF2
my $file = $server->runtime_dir . '/keys';
open my $out, '>', $file or die "$file: $!\n";
print $out '1:', 'QUJDREVGR0hJSktMTU5PUFFSU1RVVldYWVphYmNkZWY=', "\n";
close $out;
chmod 0600, $file or die "$file: $!\n";
$server->start;

sub age_of
{
    my ($r) = @_;
    my ($age) = ($r->header('Set-Cookie') || '') =~ /; Max-Age=(\d+)/;
    return $age;
}

my $b = $server->browser;
my $r = $b->get('/persist/cgi/app', h => ['Session-Set: a=1']);
my $age = age_of($r);
ok($age && $age <= 7200 && $age > 7190, 'the browser keeps it up to the end');
my ($date) = $r->header('Set-Cookie') =~ /; Expires=([^;]+)/;
like($date, qr/^\w{3}, \d\d \w{3} \d{4} \d\d:\d\d:\d\d GMT$/, 'as a date too');

$b = $server->browser;
$r = $b->get('/s/cgi/app', h => ['Session-Set: a=1']);
is(age_of($r), undef, 'others are for the browser session');
my $id = $b->cookie('sid');
$r = $b->get('/s/cgi/app', h => ['Session-Persist: on']);
$age = age_of($r);
ok($age && $age <= 43200 && $age > 43190, 'until the app asks for more');
is($b->cookie('sid'), $id, 'the id is the same');
is($b->get('/s/cgi/app')->header('Set-Cookie'), undef, 'it is sent once');
$r = $b->get('/s/cgi/app', h => ['Session-Renew: on']);
ok(age_of($r), 'a renewal keeps it so');
$r = $b->get('/s/cgi/app', h => ['Session-Persist: off']);
like($r->header('Set-Cookie'), qr/^sid=\S{48}; Path/, 'and back again');
is(age_of($r), undef, 'without an age');
SxTest::done();
