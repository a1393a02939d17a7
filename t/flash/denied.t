# SPDX-License-Identifier: Apache-2.0
# F3: a page whose log-in is refused is seen by nobody: its messages are given
# back, or shown by the page that comes instead.
use SxTest;

my $first = SxTest->browser;
$first->get('/flash_denied/cgi/app', h => ['Session-Set: user=alice']);
my $b = SxTest->browser;

# What the next page has.
sub waits { return $b->get('/flash_denied/cgi/app')->env('FLASH_info') // '-' }

sub log_in
{
    my ($scope) = @_;
    $b->get('/flash_denied/cgi/app', h => ['Session-Flash: info=hello'],
        header => { 'Sec-Fetch-Dest' => 'empty' });
    return $b->get("/$scope/cgi/app", h => ['Session-Set: user=alice']);
}

my $r = log_in('flash_denied');
is($r->status, 403, 'a log-in beyond the limit is refused');
is($r->env('FLASH_info'), undef, 'by a page of httpd');
is(waits(), 'hello', 'what the page of the app had is given back');
is(waits(), '-', 'for one page');

$r = log_in('flash_denied_page');
is($r->status, 403, 'so it is where there is a page for that');
is($r->env('FLASH_info'), 'hello', 'which shows what the other one had');
is(waits(), '-', 'once');
SxTest::done();
