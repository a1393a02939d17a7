# SPDX-License-Identifier: Apache-2.0
# F2: a backend that is told nothing of the session takes no message away,
# whatever leads to it; one that is told by request headers does.
use SxTest;

my $backend = SxTest::Server->new(module => 0);
$backend->start;
my $to = 'http://127.0.0.1:' . $backend->port;

sub location
{
    my ($path, @lines) = @_;
    return join "\n    ", "<Location \"/$path/\">", 'SessionExt On',
        'SessionExtNamespace localhost', @lines, "\n</Location>\n";
}

my @ways = (
    [handler  => "SetHandler \"proxy:$to/any/cgi/app\""],
    [balanced => 'ProxyPass balancer://pool/any/'],
    [chosen   => 'RewriteEngine On', "RewriteRule . $to/any/cgi/app [P]"],
);
my $server = SxTest::Server->new(scopes => 1, conf => join '',
    "<Proxy \"balancer://pool\">\n"
        . "BalancerMember \"$to\" disablereuse=On\n</Proxy>\n",
    map { my ($name, @lines) = @$_;
        location($name, @lines)
            . location("$name-told", @lines, 'SessionExtRequestHeaders On')
    } @ways);
$server->start;

my $b = $server->browser;
$b->get('/s/cgi/app', h => ['Session-Set: a=1']);

# What waits after a visit, and whether the backend saw it.
sub after
{
    my ($path) = @_;
    $b->get('/s/cgi/app', h => ['Session-Flash: info=hello']);
    my $r = $b->get("/$path/cgi/app");
    like($r->body, qr/^REQUEST_METHOD=GET/m, "$path: the backend answers");
    return join ' ', $r->env('HTTP_X_SESSION_FLASH') // 'unseen',
        $b->get('/s/cgi/app')->env('FLASH_info') // 'gone';
}

for my $name (map { $_->[0] } @ways) {
    is(after($name), 'unseen hello', "$name: a message waits");
    is(after("$name-told"), 'info=hello gone',
        "$name: told by headers, the backend shows it");
}
SxTest::done();
