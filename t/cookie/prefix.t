# SPDX-License-Identifier: Apache-2.0
# What a neighbour on another host of the domain can plant: no spelling passes
# for a cookie with the __Host- prefix, none reaches an app under its name, and
# what is planted beside the true one takes nothing away.
use SxTest;

my $b = SxTest->browser;
my $r = $b->get('/cookie_prefix/cgi/app', h => ['Session-Set: a=1']);
my ($id) = ($r->header('Set-Cookie') // '') =~ /^__Host-sid=(\S{48});[ ]Path=\/;
    [ ]Secure;[ ]HttpOnly;[ ]SameSite=Lax$/x;
ok($id, 'the cookie has the prefix, and what browsers ask for beside it');

sub ask
{
    my ($app, $cookie) = @_;
    return SxTest->browser->get("/cookie_prefix/$app",
        header => { Cookie => $cookie });
}

my @SPELLINGS = (
    '__host-sid', '__HOST-SID', '__Host-Sid', '__%48ost-sid',
    '%5f%5fHost-sid', '__Host%2Dsid', '..Host-sid', '__Host.sid', '_.Host-sid',
    '_ Host-sid', '__Host-sid ', '__Host-sid[', '__Host-sid[0]', '_[Host-sid',
    "\xE2\x80\x80__Host-sid", "\xC2\xA0__Host-sid", "\xA0__Host-sid",
    "\x85__Host-sid", '"__Host-sid"', '$__Host-sid', '__Host-sid.', 'sid',
    '__Secure-sid', '__Http-sid', '__Host-Http-sid', '=__Host-sid', '-__Host-sid',
    '$Version=1, __Host-sid', 'a=1, __Host-sid', 'a="b, __Host-sid',
);
for my $name (@SPELLINGS) {
    my $label = $name =~ s/([^ -~])/sprintf '\\x%02X', ord $1/ger;
    is(ask('cgi/app', "$name=$id")->env('SESSION_STATUS'), 'none',
        "'$label' is not our cookie");
    is(ask('cgi/app', "$name=" . 'A' x 48 . "; __Host-sid=$id")
        ->env('SESSION_VAR_a'), 1, "'$label' beside it takes nothing away");
}
my @PHP = ('..Host-sid', '_.Host-sid', '_ Host-sid', '__Host-sid ',
    '__Host-sid[', '__Host-sid[0]', '_[Host-sid');
for my $name (@PHP) {
    for my $app ('cgi/app', 'php/app.php') {
        is(ask($app, "$name=planted; b=2")->env('HTTP_COOKIE'), 'b=2',
            "$app: '$name', which PHP reads as ours, is not handed on");
    }
}

# Planted beside the true one, from a domain that may set cookies here.
for my $n (1 .. 3) {
    my @junk = map { "__Host-sid=junk$_" } 1 .. $n;
    is(ask('cgi/app', join '; ', @junk, "__Host-sid=$id")
        ->env('SESSION_VAR_a'), 1, "$n planted in front take nothing away");
    is(ask('cgi/app', join '; ', "__Host-sid=$id", @junk)
        ->env('SESSION_VAR_a'), 1, "nor do $n behind");
}

# A planted id that is good: the attacker's own session.
my $attacker = SxTest->browser;
$r = $attacker->get('/cookie_prefix/cgi/app', h => ['Session-Set: theirs=1']);
my ($planted) = ($r->header('Set-Cookie') // '') =~ /=(\S{48});/;
$r = ask('cgi/app', "__Host-sid=$planted; __Host-sid=$id");
is($r->env('SESSION_STATUS'), 'invalid', 'of two good ids neither counts');
is($r->env('SESSION_DATA'), undef, 'so nobody works in the session of another');
$r = SxTest->browser->get('/cookie_prefix/cgi/app', h => ['Session-Set: b=1'],
    header => { Cookie => "__Host-sid=$planted; __Host-sid=$id" });
my ($new) = ($r->header('Set-Cookie') // '') =~ /=(\S{48});/;
ok($new && $new ne $id && $new ne $planted, 'a write begins a third one');
is(ask('cgi/app', "__Host-sid=$new")->env('SESSION_DATA'), 'b=1',
    'with nothing of either');
is(ask('cgi/app', "__Host-sid=$planted")->env('SESSION_DATA'), 'theirs=1',
    'and nothing of it is in theirs');
SxTest::done();
