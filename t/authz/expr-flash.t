# SPDX-License-Identifier: Apache-2.0
# %{flash:LEVEL}: who reads a message by an expression has taken it, as an app
# has: once, not for parts of pages, and it comes back where nobody has seen it.
use SxTest;

my $b = SxTest->browser;
my %queued = (header => { 'Sec-Fetch-Dest' => 'empty' });

sub queue
{
    $b->get('/s/cgi/app', h => ["Session-Flash: $_[0]"], %queued);
    return;
}

# What the next page has.
sub waits { return $b->get('/s/cgi/app')->env('FLASH_info') // '-' }

queue('info=one&warning=low&info=two');
my $r = $b->get('/expr_flash_in/cgi/app');
is($r->env('HTTP_X_FLASH_IN'), '<one two>',
    'messages of one level are joined by a space');
is($r->env('FLASH_info'), 'one two', 'the app has them as well');
is($r->env('FLASH_warning'), 'low', 'and those of other levels');
is($b->get('/expr_flash_in/cgi/app')->env('HTTP_X_FLASH_IN'), '<>', 'once');

queue('info=hello');
is($b->get('/expr_flash_out/cgi/app')->header('X-Flash'), '<hello>',
    'Header has what the app was handed');
is(waits(), '-', 'once');

queue('info=hello');
$r = $b->get('/expr_flash_out/static/1k.txt');
is($r->header('X-Flash'), '<>', 'a response that has begun takes none');
is(waits(), 'hello', 'and eats none');

queue('info=hello');
is($b->head('/expr_flash_file/static/1k.txt')->header('X-News'), '<(null)>',
    'HEAD shows none');
$r = $b->get('/expr_flash_file/static/style.css',
    header => { 'Sec-Fetch-Dest' => 'style' });
is($r->header('X-News'), '<(null)>', 'a part of a page neither');
$r = $b->get('/expr_flash_file/static/hello.html');
is($r->header('X-News'), '<hello>', 'a plain page can show one');
like($r->header('Cache-Control') // '', qr/\bprivate\b/, 'and is private then');
is(waits(), '-', 'once');

queue('info=hello');
is($b->get('/expr_flash_gone/static/hello.html')->status, 302,
    'a redirect that has read one');
is(waits(), 'hello', 'gives it back');
SxTest::done();
