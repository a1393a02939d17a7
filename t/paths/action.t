# SPDX-License-Identifier: Apache-2.0
# What an Action's program may do with a session is decided where the program
# is, wherever the page is.
use SxTest;

my $b = SxTest->browser;
$b->get('/s/cgi/app', h => ['Session-Set: cart=3']);

sub seen
{
    my ($path) = @_;
    my $r = $b->get("/action/$path/page", h => ["Session-Set: by=$path"]);
    is($r->status, 200, "$path: the program runs");
    ok(!(grep { /^session-/i } $r->header_names),
        "$path: no control header is left");
    return join ' ', $r->env('SESSION_VAR_cart') // 'nothing',
        SxTest::seen($b, 'SESSION_VAR_by');
}

is(seen('on-off'), 'nothing -',
    'a program without sessions sees none and writes nothing');
is(seen('off-on'), '3 off-on', 'one with sessions does, whatever the page');
is(seen('on-on'), '3 on-on', 'and where both have them');
SxTest::done();
