# SPDX-License-Identifier: Apache-2.0
# B2: an id that the server did not issue is never adopted.
use SxTest;

sub real_id
{
    my ($path) = @_;
    my $b = SxTest->browser;
    $b->get($path, h => ['Session-Set: secret=1']);
    return $b->cookie('sid');
}

my $real = real_id('/s/cgi/app');
my $destroyed = SxTest->browser;
$destroyed->get('/s/cgi/app', h => ['Session-Set: a=1']);
my $gone = $destroyed->clone;
$destroyed->get('/s/cgi/app', h => ['Session-Destroy: on']);

my %planted = (
    'of 48 letters'                => 'A' x 48,
    'with one character changed'   => $real =~ s/^(.)/$1 eq 'A' ? 'B' : 'A'/er,
    'with its last one changed'    => $real =~ s/(.)$/$1 eq 'A' ? 'E' : 'A'/er,
    'that is too short'            => substr($real, 0, 47),
    'that is too long'             => $real . 'A',
    'with a blank in front'        => "+$real",
    'that is empty'                => '',
    'of another namespace'         => real_id('/ns2/cgi/app'),
    'of a session that has ended'  => $gone->cookie('sid'),
);

for my $what (sort keys %planted) {
    my $b = SxTest->browser;
    $b->set_cookie(sid => $planted{$what});
    my $r = $b->get('/s/cgi/app');
    is($r->env('SESSION_STATUS'), 'invalid', "an id $what is invalid");
    is($r->env('SESSION_DATA'), undef, "an id $what shows nothing");
    is($r->header('Set-Cookie'), undef,
        "an id $what is not deleted by reading");

    $b->get('/s/cgi/app', h => ['Session-Set: cart=1']);
    my $new = $b->cookie('sid');
    isnt($new, $planted{$what}, "a write beside an id $what mints a new one");
    is($b->get('/s/cgi/app')->env('SESSION_STATUS'), 'active',
        "and that one works (id $what)");
    $b->set_cookie(sid => $planted{$what});
    is($b->get('/s/cgi/app')->env('SESSION_STATUS'), 'invalid',
        "an id $what is still invalid after that write");
}

my $b = SxTest->browser;
$b->set_cookie(sid => $real);
is($b->get('/s/cgi/app')->env('SESSION_DATA'), 'secret=1',
    'the id that was issued leads to its session all the while');
SxTest::done();
