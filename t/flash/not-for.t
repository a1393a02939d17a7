# SPDX-License-Identifier: Apache-2.0
# F2: who is no page neither gets a message nor eats it.
use SxTest;

my @NO_PAGE = (
    ['a prefetch', '/s/cgi/app', { 'Sec-Purpose' => 'prefetch' }],
    ['a prerender', '/s/cgi/app', { 'Sec-Purpose' => 'prefetch;prerender',
        'Sec-Fetch-Dest' => 'document' }],
    (map { ["a fetch for $_", '/s/cgi/app', { 'Sec-Fetch-Dest' => $_ }] }
        qw(empty image script style font worker object embed audioworklet)),
    ['an XMLHttpRequest by its mark', '/s/cgi/app',
        { 'X-Requested-With' => 'XMLHttpRequest' }],
    ['a request for JSON', '/s/cgi/app', { Accept => 'application/json' }],
    ['a request for an image', '/s/cgi/app',
        { Accept => 'image/avif,image/webp,image/*;q=0.8' }],
    ['a static file', '/s/static/hello.html', {}],
    ['a file that is not there', '/s/static/none', {}],
);
my @PAGE = (
    ['a document', { 'Sec-Fetch-Dest' => 'document', Accept => 'image/png' }],
    ['an iframe', { 'Sec-Fetch-Dest' => 'iframe' }],
    ['a frame', { 'Sec-Fetch-Dest' => 'Frame' }],
    ['a browser without Sec-Fetch-Dest', { Accept =>
        'text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8' }],
    ['a client that takes all', { Accept => '*/*' }],
    ['a client that says nothing', { Accept => undef }],
);

my $b = SxTest->browser;
$b->get('/s/cgi/app', h => ['Session-Set: a=1']);

sub queue { return $b->get('/s/cgi/app', h => ['Session-Flash: info=hello']) }

# What a page sees now; that takes it away, so it is queued again.
sub waiting
{
    my $text = $b->get('/s/ssi/env.shtml')->env('FLASH_info');
    queue();
    return $text;
}

queue();
for my $case (@NO_PAGE) {
    my ($who, $path, $header) = @$case;
    my $r = $b->get($path, header => $header);
    is($r->env('FLASH_COUNT'), undef, "$who is handed none");
    is(waiting(), 'hello', "$who has not eaten it");
}
$b->head('/s/cgi/app');
is(waiting(), 'hello', 'a HEAD has not eaten it');
$b->head('/s/ssi/env.shtml');
is(waiting(), 'hello', 'a HEAD of a parsed page has not eaten it');

my $r = $b->get('/s/static/1k.txt');
$r = $b->get('/s/static/1k.txt',
    header => { 'If-Modified-Since' => $r->header('Last-Modified') });
is($r->status, 304, 'a static file is not sent again');
is(waiting(), 'hello', 'and has not eaten it');
$r = $b->get('/s/cgi/app', status => 304);
is($r->status, 304, 'an app says 304');
is(waiting(), 'hello', 'and has given it back');

for my $case (@PAGE) {
    my ($who, $header) = @$case;
    my $r = $b->get('/s/cgi/app', header => $header);
    is($r->env('FLASH_info'), 'hello', "$who is a page");
    is($b->get('/s/cgi/app')->env('FLASH_info'), undef, "$who took it");
    queue();
}
SxTest::done();
