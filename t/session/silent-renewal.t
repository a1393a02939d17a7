# SPDX-License-Identifier: Apache-2.0
# B5, B3: an id that has reached its age is changed by the next page, and by
# nothing else; racing requests get the same new id, and for the grace the old
# one still leads to the session.
use SxTest;

use Time::HiRes qw(sleep);

my $APP = '/silent-renewal/cgi/app';
my $PHP = '/silent-renewal/php/app.php';

my $b = SxTest->browser;
$b->get($APP, h => ['Session-Set: cart=3']);
my $first = $b->cookie('sid');
is($b->get($APP)->header('Set-Cookie'), undef, 'a young id is kept');
my $handle = $b->get($APP)->env('SESSION_HANDLE');

sleep 1.15;
for my $path (qw(static/1k.txt static/hello.html static/style.css)) {
    is($b->get("/silent-renewal/$path")->header('Set-Cookie'), undef,
        "$path renews nothing");
}
for my $dest (qw(image script style font empty-is-not-this)) {
    is($b->get($APP, header => { 'Sec-Fetch-Dest' => $dest })
        ->header('Set-Cookie'), undef, "a request for a $dest renews nothing");
}

my @racing = map {
    my $one = $b->clone;
    [$one, $one->start($_ % 2 ? $APP : $PHP, wait => 'race')];
} 1 .. 8;
SxTest::reached('race', 8);
SxTest::release('race');
my @answers = map { $_->[1]->finish } @racing;
is(scalar(grep { scalar(my @set = $_->headers('Set-Cookie')) == 1 } @answers),
    8, 'each of eight pages that race carries one cookie');
my %new = map { $_->[0]->cookie('sid') => 1 } @racing;
is(scalar keys %new, 1, 'all the same');
my $renewed = $racing[0][0];
isnt($renewed->cookie('sid'), $first, 'which is a new one');
like($answers[0]->header('Cache-Control'), qr/no-store/,
    'an answer with a new id is stored by no cache');

my $r = $renewed->get($APP);
is($r->env('SESSION_VAR_cart'), '3', 'the new id leads to the data');
is($r->env('SESSION_HANDLE'), $handle, 'under the same handle');
is($r->env('SESSION_VERSION'), 1, 'at the same version');
is($r->header('Set-Cookie'), undef, 'and is not renewed again at once');

my $old = $b->clone;
$r = $old->get("/silent-renewal/static/1k.txt");
is($r->header('Set-Cookie'), undef,
    'a file asked for with the old id gets no cookie');
$r = $old->get($APP);
is($r->env('SESSION_STATUS'), 'active', 'in the grace the old id still works');
is($r->env('SESSION_VAR_cart'), '3', 'for the same session');
is($old->cookie('sid'), $renewed->cookie('sid'),
    'and its page carries the new id');

# Renewed again while somebody still holds the first one.
sleep 1.15;
$renewed->get($APP);
isnt($renewed->cookie('sid'), $old->cookie('sid'), 'the new id ages as well');
$r = $b->get($APP);
is($r->env('SESSION_VAR_cart'), '3', 'the first id leads over both');
is($b->cookie('sid'), $renewed->cookie('sid'), 'to the latest one');
SxTest::done();
