# SPDX-License-Identifier: Apache-2.0
# F1, F4 over HTTP/2, where a request has a connection of its own inside
# another one.
use SxTest;

# mod_http2 refuses to work under prefork: there it is nothing to test.
if (SxTest::mpm() eq 'prefork') {
    pass('there is no HTTP/2');
    SxTest::done();
    exit 0;
}

my $s = SxTest::Server->new(scopes => 1,
    conf => 'Protocols h2c http/1.1')->start;
my $b = $s->browser;
my $url = 'http://127.0.0.1:' . $s->port . '/s/cgi/app';

sub pages
{
    my ($n) = @_;
    my $curl = 'curl -sS -i -m 20 --http2-prior-knowledge -H "Cookie: sid='
        . $b->cookie('sid') . qq{" "$url"};
    return SxTest::parallel($n, sub { return scalar qx($curl 2>&1) });
}

for my $n (1, 1, 6) {
    $b->get('/s/cgi/app', h => ['Session-Flash: info=hello'],
        header => { 'Sec-Fetch-Dest' => 'empty' });
    my @said = pages($n);
    is(scalar(grep { /^HTTP\/2 200/ } @said), $n, "$n at once: all come");
    is(scalar(grep { /^FLASH_info=hello/m } @said), 1,
        "$n at once: one shows it");
}
is($b->get('/s/cgi/app')->env('FLASH_info'), undef, 'and no other does');
$s->stop;
SxTest::done();
