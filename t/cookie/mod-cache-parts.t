# SPDX-License-Identifier: Apache-2.0
# K2: mod_cache keeps what subrequests answer, too, but nobody's session in it.
use SxTest;

my $DIR = SxTest::t_dir() . '/runtime/mod_cache_parts';
mkdir $DIR or die "$DIR: $!\n";
open my $out, '>', "$DIR/page.shtml" or die "$DIR: $!\n";
print $out '<!--#include virtual="/s/cgi/app" -->';
close $out or die "$DIR: $!\n";

# The page itself is not cached; only its part may be.
sub user
{
    my ($name) = @_;
    my $b = SxTest->browser(host => 'parts.test');
    $b->post('/s/cgi/app', h => ["Session-Set: user=$name"]);
    return $b;
}

my ($alice, $bob) = (user('alice'), user('bob'));
my $nobody = SxTest->browser(host => 'parts.test');
for my $round (1, 2) {
    like($alice->get('/parts/page.shtml')->body, qr/SESSION_USER=alice/,
        'alice sees her part');
    like($bob->get('/parts/page.shtml')->body, qr/SESSION_USER=bob/,
        'bob sees his');
    like($nobody->get('/parts/page.shtml')->body, qr/SESSION_STATUS=none/,
        'nobody in particular sees nobody\'s');
    unlike($nobody->get('/s/cgi/app')->body,
        qr/SESSION_USER/, 'also without the page');
}

# A page without sessions leaves with headers that let any cache keep it, before
# its part is asked: so the part has none either.
my $r = $alice->get('/plain-page/page.shtml');
like($r->body, qr/REQUEST_METHOD=GET/, 'a page without sessions has its part');
unlike($r->body, qr/SESSION_|alice/, 'which sees no session');
is($r->header('Cache-Control'), undef, 'and the page stays as it was');
SxTest::done();
