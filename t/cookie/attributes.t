# SPDX-License-Identifier: Apache-2.0
# SessionExtCookie: the attributes of the cookie, set and deleted alike.
use SxTest;

my $ID = qr/[A-Za-z0-9_-]{48}/;
# scope, host, Set-Cookie with the id in place of %
my @CASES = (
    ['/s', 'localhost', 'sid=%; Path=/; HttpOnly; SameSite=Lax'],
    ['/attr_secure', 'localhost',
        '__Host-sid=%; Path=/; Secure; HttpOnly; SameSite=Lax'],
    ['/attr_path', 'localhost',
        'sid=%; Path=/attr_path; Secure; HttpOnly; SameSite=Lax'],
    ['/attr_domain', 'www.example.test', 'sid=%; Path=/; Secure; HttpOnly; '
        . 'SameSite=Strict; Domain=example.test'],
    ['/attr_none', 'localhost', '__Secure-x=%; Path=/; Secure; HttpOnly; '
        . 'SameSite=None; Partitioned'],
    ['/attr_off', 'localhost', 'sid=%; Path=/; HttpOnly; SameSite=Strict'],
    ['/s', 'tls.example.test',
        '__Host-sid=%; Path=/; Secure; HttpOnly; SameSite=Lax'],
    ['/attr_off', 'tls.example.test',
        'sid=%; Path=/; HttpOnly; SameSite=Strict'],
);

for my $case (@CASES) {
    my ($scope, $host, $expected) = @$case;
    my ($name, $attrs) = $expected =~ /^(.*?)=%(.*)$/;
    my $label = "$host$scope";
    my $b = SxTest->browser(host => $host);
    my $r = $b->get("$scope/cgi/app", h => ['Session-Set: a=1']);
    like($r->header('Set-Cookie'), qr/^\Q$name\E=$ID\Q$attrs\E\z/,
        "$label: the cookie is set with its attributes");
    is(join(',', map { $_->{why} } $b->refused), '',
        "$label: a browser takes it");
    is($b->get("$scope/cgi/app")->env('SESSION_STATUS'), 'active',
        "$label: and brings it back");
    my $id = $b->cookie($name);
    $r = $b->get("$scope/cgi/app", h => ['Session-Renew: on']);
    like($r->header('Set-Cookie'), qr/^\Q$name\E=$ID\Q$attrs\E\z/,
        "$label: a renewal sets it alike");
    isnt($b->cookie($name), $id, "$label: with another id");
    $r = $b->get("$scope/cgi/app", h => ['Session-Destroy: on']);
    is($r->header('Set-Cookie'), "$name=$attrs; Max-Age=0; "
        . 'Expires=Thu, 01 Jan 1970 00:00:00 GMT',
        "$label: and it is deleted with the same");
    is($b->cookie($name), undef, "$label: so it is gone");
}

my $b = SxTest->browser;
$b->get('/attr_secure/cgi/app', h => ['Session-Set: a=1']);
my $id = $b->cookie('__Host-sid');
is($b->get('/attr_secure/cgi/app', header => { Cookie => "sid=$id" })
    ->env('SESSION_STATUS'), 'none', 'a prefix is part of the name');
SxTest::done();
