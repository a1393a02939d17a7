# SPDX-License-Identifier: Apache-2.0
# SessionExtCookie: `persistent` gives every cookie of a scope a Max-Age up to
# the absolute end; name, path and samesite are used for the deletion as well.
use SxTest;

use MIME::Base64 qw(encode_base64);

my $server = SxTest::Server->new(conf => '');
my $keys = $server->root . '/session.key';
open my $out, '>', $keys or die "$keys: $!\n";
chmod 0600, $keys;
print $out '1:', encode_base64(join('', map { chr } 1 .. 32), ''), "\n";
close $out;
$server->write_conf(<<"EOF");
ShmStore sessions size=16m
SessionExtKeyFile $keys
<Location "/kept/">
    SessionExt On
    SessionExtAbsoluteTimeout 2h
    SessionExtCookie name=shop path=/kept/ samesite=strict persistent
</Location>
EOF
$server->start;
my $b = $server->browser;
my $r = $b->get('/kept/cgi/app', h => ['Session-Set: cart=3']);
my ($line) = $r->headers('Set-Cookie');
like($line, qr/^shop=[\w-]{48};/, 'the cookie has its name');
like($line, qr/; *Path=\/kept\/(?:;|$)/i, 'and path');
like($line, qr/; *SameSite=Strict/i, 'and samesite');
like($line, qr/; *HttpOnly/i, 'no script reads it');
my ($age) = $line =~ /Max-Age=(\d+)/i;
ok($age && $age <= 7200 && $age > 7190, 'it lasts up to the absolute end');
is($b->get('/kept/cgi/app')->env('SESSION_STATUS'), 'active', 'it works');
sleep 1;
$b->get('/kept/cgi/app', h => ['Session-Renew: on']);
cmp_ok($b->cookie_attr('shop')->{'max-age'}, '<', $age,
    'a renewal does not move the end');
$r = $b->get('/kept/cgi/app', h => ['Session-Destroy: on']);
($line) = $r->headers('Set-Cookie');
like($line, qr/^shop=;.*Path=\/kept\/(?:;|$)/i,
    'the deletion has the same path');
is($b->cookie('shop'), undef, 'so the browser drops it');
SxTest::done();
