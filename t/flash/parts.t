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
SxTest::done();
