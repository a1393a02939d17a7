# SPDX-License-Identifier: Apache-2.0
# K1: two different valid ids of one name are no session: never the first.
use SxTest;

my ($alice, $carol) = (SxTest->browser, SxTest->browser);
$alice->get('/s/cgi/app', h => ['Session-Set: user=alice']);
$carol->get('/s/cgi/app', h => ['Session-Set: user=carol']);
my ($a, $c) = map { $_->cookie('sid') } $alice, $carol;

sub ask
{
    my ($cookie, @h) = @_;
    return SxTest->browser->get('/s/cgi/app', header => { Cookie => $cookie },
        h => \@h);
}

for my $cookie ("sid=$a; sid=$c", "sid=$c; sid=$a",
    "sid=$a; x=1; sid=$c; sid=$a", "sid=$a; sid=junk; sid=$c")
{
    my $r = ask($cookie);
    is($r->env('SESSION_STATUS'), 'invalid', 'two ids are no session');
    is($r->env('SESSION_USER'), undef, 'nor is one of them');
    is($r->header('Set-Cookie'), undef, 'no cookie is deleted');
}
my $r = ask("sid=$a; sid=$c", 'Session-Destroy: on');
is($alice->get('/s/cgi/app')->env('SESSION_USER'), 'alice',
    'nobody can end both');
is($carol->get('/s/cgi/app')->env('SESSION_USER'), 'carol', 'nor either');
SxTest::done();
