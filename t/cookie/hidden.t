# SPDX-License-Identifier: Apache-2.0
# Apps and upstreams do not see the id cookie; other cookies are as they came,
# byte by byte.
use SxTest;

my $b = SxTest->browser;
$b->get('/s/cgi/app', h => ['Session-Set: a=1']);
my $id = $b->cookie('sid');

sub seen
{
    my ($path, $cookie) = @_;
    return $b->get($path, header => { Cookie => $cookie })->env('HTTP_COOKIE');
}

# as it came, as the app sees it
my @CASES = (
    ["sid=$id", undef],
    ["sid=$id; a=1", 'a=1'],
    ["a=1; sid=$id", 'a=1'],
    ["a=1; sid=$id; b=2", 'a=1; b=2'],
    [qq{a="x y"; sid=$id; b==2=; C=%20+,}, qq{a="x y"; b==2=; C=%20+,}],
    ["a=1;b=2;sid=$id;c=3", 'a=1;b=2;c=3'],
    ["a=\xFF\x80; sid=$id", "a=\xFF\x80"],
    ["sid=$id; sid=junk; a=1", 'a=1'],
    ["SID=1; sid=$id; xsid=2; sid2=3", 'SID=1; xsid=2; sid2=3'],
    ['a=1; b=2', 'a=1; b=2'],
    ["  a=1  ;; b ", 'a=1  ;; b'],
);
for my $app ('cgi/app', 'sh/app', 'php/app.php') {
    for my $case (@CASES) {
        my ($came, $expected) = @$case;
        is(seen("/s/$app", $came), $expected, "$app: "
            . (defined $expected ? $expected =~ s/[^ -~]/?/gr : 'nothing'));
    }
    is(seen("/shown/$app", "a=1; sid=$id"), "a=1; sid=$id",
        "$app: where it is not hidden it is there");
    is(seen("/off/$app", "a=1; sid=$id"), "a=1; sid=$id",
        "$app: and where sessions are off");
}
is(seen('/hidden_proxy/cgi/app', "a=1; sid=$id"), 'a=1',
    'an upstream does not see it');
is(seen('/hidden_proxy/cgi/app', "sid=$id"), undef, 'nor an empty header');
is(seen('/shown_proxy/cgi/app', "a=1; sid=$id"), "a=1; sid=$id",
    'but where it is not hidden');
is(seen('/s/ssi/include.shtml', "a=1; sid=$id"), 'a=1',
    'nor does an app in a page');
is($b->get('/s/cgi/app', type => '', h => ['Location: /s/sh/app'],
    header => { Cookie => "a=1; sid=$id" })->env('HTTP_COOKIE'), 'a=1',
    'nor the target of a local redirect');
my $r = $b->get('/s/cgi/app', type => '', h => ['Location: /s/sh/app'],
    header => { Cookie => "a=1; sid=$id" });
is($r->env('SESSION_STATUS'), 'active', 'which has its session all the same');

# PHP reads other spellings as the same name.
is(seen('/k_under/php/app.php', "my.id=$id; my id=$id; my[id=$id; a=1"), 'a=1',
    'spellings that PHP would read as its name are hidden too');
SxTest::done();
