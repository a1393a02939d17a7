# SPDX-License-Identifier: Apache-2.0
# Messages cost a write when a page takes them and one when it is done with
# them; without messages, and for whoever is handed none, they cost nothing.
use SxTest;
use SxTest::Segment;

my $s = SxTest::Server->new(scopes => 1, php => 1, conf => <<'END')->start;
<Location "/index/">
    SessionExt On
</Location>
Alias "/index/" "${SX_T}/htdocs/static/"
<Directory "${SX_T}/htdocs/static">
    DirectoryIndex hello.html
    RewriteEngine On
    RewriteRule "^ruled$" "/s/static/hello.html" [PT]
</Directory>
END
my $file = $s->runtime_dir . '/session_ext-sessions.shm';
my $b = $s->browser;

# What a request makes of the store: reads and writes.
sub cost
{
    my ($code) = @_;
    my @before = map { SxTest::Segment::counter($file, $_) } qw(hits replaces);
    $code->();
    my @after = map { SxTest::Segment::counter($file, $_) } qw(hits replaces);
    return join '+', map { $after[$_] - $before[$_] } 0, 1;
}

my $app = '/s/cgi/app';
$b->get($app, h => ['Session-Set: cart=3']);
is(cost(sub { $b->get($app) }), '1+0', 'a page without messages: one read');
is(cost(sub { $b->get($app, h => ['Session-Set: cart=4']) }), '1+1',
    'one that writes: one read, one write');
is(cost(sub { $b->get($app, h => ['Session-Flash: info=hi']) }), '1+1',
    'so does one that queues a message');
for my $case (
    ['a HEAD', sub { $b->head($app) }],
    ['a prefetch', sub { $b->get($app,
        header => { 'Sec-Purpose' => 'prefetch' }) }],
    ['an image', sub { $b->get($app,
        header => { 'Sec-Fetch-Dest' => 'image' }) }],
    ['a plain file', sub { $b->get('/s/static/hello.html') }],
    ['a file that is not there', sub { $b->get('/s/static/none') }],
    ['a file by DirectoryIndex', sub { $b->get('/index/') }],
    ['a file by a rule', sub { $b->get('/index/ruled') }],
    ['a redirect of mod_dir', sub { $b->get('/s/static') }])
{
    my ($what, $code) = @$case;
    is((split /\+/, cost($code))[1], 0, "$what writes nothing, with a message");
}

my ($first, $second);
is(cost(sub {
    $first = $b->start($app, wait => 'door');
    SxTest::reached('door');
}), '1+1', 'a page takes it: one write');
is(cost(sub { $b->get($app) }), '1+0', 'for another page there is none');
is(cost(sub { SxTest::release('door'); $first->finish }), '0+1',
    'when it has shown it: another one, and no read');
is(cost(sub { $b->get($app) }), '1+0', 'after it there is nothing to write');

$b->get($app, h => ['Session-Flash: info=hi']);
is(cost(sub { $b->get($app, h => ['Session-Set: cart=5']) }), '1+2',
    'what its page sets goes with that');
is(SxTest::Segment::fault($file), '', 'the store is sound');
$s->stop;
SxTest::done();
