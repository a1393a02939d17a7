# SPDX-License-Identifier: Apache-2.0
# F3: who went on to another page before this one came has not seen it.
use SxTest;

my $b = SxTest->browser;

sub queue
{
    return $b->post('/s/cgi/app', status => 303,
        h => ['Session-Flash: info=hello', 'Location: http://localhost/']);
}

sub seen { return SxTest::seen($b, 'FLASH_info') }

for my $app ('cgi/app', 'php/app.php') {
    queue();
    my $page = $b->start("/s/$app", wait => 'door');
    SxTest::reached('door');
    $page->leave;
    is(seen(), '-', "$app: while a page is made it may be shown");
    SxTest::release('door');
    my $found = '-';
    for (1 .. 300) {
        last if ($found = seen()) ne '-';
        select undef, undef, undef, 0.02;
    }
    is($found, 'hello',
        "$app: the page comes and nobody is there: it is given back");
    is(seen(), '-', "$app: for one page");
}
SxTest::done();
