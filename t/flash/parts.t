# SPDX-License-Identifier: Apache-2.0
# F2: subrequests, index files and error documents: what is part of a page sees
# the page's messages, what is none eats none.
use SxTest;

my $b = SxTest->browser;

sub queue
{
    return $b->get('/s/cgi/app', status => 302, h => ['Session-Flash: info=hi',
        'Session-Flash-Keep: on', 'Location: http://localhost/']);
}

sub waits { return $b->get('/s/cgi/app')->env('FLASH_DATA') }

queue();
my $r = $b->get('/s/ssi/env.shtml');
is($r->env('FLASH_info'), 'hi', 'a parsed file is a page');
is(waits(), undef, 'which shows it once');

queue();
$r = $b->get('/s/ssi/include.shtml');
is($r->env('FLASH_info'), 'hi', 'what a page includes sees its messages');
is(waits(), undef, 'once');

queue();
$r = $b->get('/s/ssi/include.shtml', header => { 'Sec-Fetch-Dest' => 'image' });
is($r->env('SESSION_STATUS'), 'active', 'a part of what is no page');
is($r->env('FLASH_info'), undef, 'is handed none');
is(waits(), 'info=hi', 'and eats none');

queue();
$r = $b->get('/flash_parts/off.html');
is($r->env('SESSION_STATUS'), 'active', 'a part of a page that shows none');
is($r->env('FLASH_info'), undef, 'takes none on its own');
is(waits(), 'info=hi', 'nor eats one');

queue();
$r = $b->get('/flash_parts/');
is($r->env('FLASH_info'), 'hi', 'an index that is an app is a page');
is(waits(), undef, 'which shows it once');

queue();
$r = $b->get('/flash_parts/none');
is($r->status, 404, 'what is not there');
is($r->env('FLASH_info'), 'hi', 'has an error page that shows it');
is(waits(), undef, 'once');

queue();
$r = $b->get('/flash_parts/moved');
is($r->status, 302, 'a redirect of the server');
is(waits(), 'info=hi', 'eats none');

queue();
$r = $b->get('/s/cgi/app', type => '', h => ['Location: /s/sh/app']);
is($r->env('FLASH_info'), 'hi', 'the target of a local redirect shows it');
is(waits(), undef, 'once');

queue();
$r = $b->get('/flash_parts/page.html');
is($r->env('FLASH_info'), 'hi', 'a page that is parsed by its type shows it');
is(waits(), undef, 'once');

queue();
$r = $b->get('/flash_parts/filtered.txt');
is($r->env('FLASH_info'), 'hi', 'a filter program finds it');
is(waits(), undef, 'once');

queue();
$r = $b->get('/flash_parts/rewritten');
is($r->env('FLASH_info'), 'hi', 'the app that a rule leads to shows it');
is($r->header('X-Flash'), 'hi', 'Header sees it, too');
is($r->env('HTTP_X_EARLY'), '(null)', 'but not what runs before the app');
is(waits(), undef, 'once');

queue();
$r = $b->get('/flash_parts/no-app');
is($r->status, 200, 'a file that a rule leads to');
is(waits(), 'info=hi', 'eats none');

queue();
$r = $b->get('/s/cgi/app', type => '', h => ['Location: /s/static/hello.html']);
like($r->body, qr/Hello, world/, 'a file that an app leads to');
is(waits(), 'info=hi', 'eats none');

queue();
$r = $b->get('/s/cgi/app', type => '', h => ['Location: /off/cgi/app']);
is($r->env('FLASH_info'), undef, 'an app without sessions that one leads to');
is(waits(), 'info=hi', 'has none, and they are given back');

queue();
$r = $b->get('/s/cgi/app', type => '',
    h => ['Location: /s/sh/app', 'Session-Flash: info=more']);
is($r->env('FLASH_DATA'), 'info=hi&info=more',
    'the target of a local redirect has what was queued on the way as well');
is(waits(), undef, 'once');

queue();
$r = $b->get('/s/cgi/nph-app');
is($r->env('FLASH_info'), 'hi', 'a program that speaks HTTP itself shows it');
is(waits(), undef, 'once');

# What an app made and nobody sees.
queue();
$r = $b->get('/flash_override/cgi/app', status => 404);
is($r->status, 404, 'an error page of httpd instead of that of an app');
is(waits(), 'info=hi', 'has shown none');

queue();
$r = $b->get('/flash_errors/cgi/app', status => 404);
is($r->env('FLASH_info'), 'hi', 'the page of an app instead of it shows it');
is(waits(), undef, 'once');

queue();
$r = $b->get('/flash_errors/cgi/app', status => 500);
is($r->status, 500, 'the page for a failure');
is($r->env('FLASH_info'), undef, 'has none, since it would be shown again');
is(waits(), 'info=hi', 'and it waits');
SxTest::done();
