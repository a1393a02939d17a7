# SPDX-License-Identifier: Apache-2.0
# Names of keys, which an app may take from its visitors, make no variable but
# SESSION_VAR_ and the name itself.
use SxTest;

my @KEYS = ("x\nHTTP_EVIL=1", 'HTTP_EVIL', "HTTP_EVIL=1", "x\0HTTP_EVIL",
    "=HTTP_EVIL", "\xE2\x80\xA8HTTP_EVIL", 'REQUEST_METHOD', 'STATUS',
    '../../etc/passwd', '%n%s', '$(id)', 'x' x 128, '0', '_');

for my $app ('cgi/app', 'sh/app', 'php/app.php') {
    my $b = SxTest->browser;
    my $before = $b->get("/s/$app")->envs;
    $b->post('/s/cgi/app', h => ['Session-Set: '
        . join '&', map { SxTest::Browser::escape($_) . '=EVIL' } @KEYS]);
    my $r = $b->get("/s/$app");
    my %now = %{ $r->envs };
    is(join(' ', sort grep { /^SESSION_VAR_/ } keys %now),
        join(' ', sort map { "SESSION_VAR_$_" }
            grep { /^[A-Za-z0-9_]+$/ } @KEYS), "$app: plain names have theirs");
    delete @now{ grep { /^SESSION_/ } keys %now };
    delete $before->{SESSION_STATUS};
    is(join(' ', sort keys %now), join(' ', sort keys %$before),
        "$app: and there is no other variable than before");
    is($now{REQUEST_METHOD}, 'GET', "$app: none has another value");
    is($r->env('SESSION_STATUS'), 'active', "$app: nor has ours");
}
SxTest::done();
