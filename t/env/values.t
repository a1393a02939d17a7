# SPDX-License-Identifier: Apache-2.0
# Which keys become SESSION_VAR_*: plain names with plain values. The others
# are in SESSION_DATA and nowhere raw.
use SxTest;

my @PLAIN = (
    [a => '1'], [_b9 => 'two words'], [C_3 => "\xE2\x82\xAC 5"],
    [empty => ''], ['9' => 'nine'], [quote => q{"'`$(x)}],
    [latin => "\xFF\xFE"],
);
my @OTHER = (
    ['a-b' => 'dash'], ['a.b' => 'dot'], ["n\xC3\xA4me" => 'umlaut'],
    ['with blank' => 'x'], [nl => "one\ntwo"], [cr => "one\rtwo"],
    [nul => "one\0two"], [tab => "one\ttwo"], [del => "x\x7F"],
    [shell => '() { :;}; echo'],
);

sub pair { return join '=', map { SxTest::Browser::escape($_) } @{ $_[0] } }

for my $app ('cgi/app', 'php/app.php') {
    my $b = SxTest->browser;
    $b->post("/s/$app", h => ['Session-Set: '
        . join '&', map { pair($_) } @PLAIN, @OTHER]);
    my $r = $b->get("/s/$app");
    my %data = map { s/\+/ /gr =~ s/%(..)/chr hex $1/ger }
        map { split /=/, $_, 2 } split /&/, $r->env('SESSION_DATA');
    for my $case (@PLAIN, @OTHER) {
        my ($key, $value) = @$case;
        is($data{$key}, $value, "$app: " . pair($case) . ' is in the data');
    }
    is($r->env("SESSION_VAR_$_->[0]"), $_->[1],
        "$app: and $_->[0] has a variable") for @PLAIN;
    is(join(' ', sort grep { /^SESSION_VAR_/ } keys %{ $r->envs }),
        join(' ', sort map { "SESSION_VAR_$_->[0]" } @PLAIN),
        "$app: the others have none");
    is($r->env('SESSION_ENV_OMITTED'), undef, "$app: nothing is omitted");
}

my $b = SxTest->browser;
$b->get('/s/cgi/app', h => ['Session-Set: user=two%0Alines']);
my $r = $b->get('/s/cgi/app');
is($r->env('SESSION_USER'), undef, 'a user that is not plain text is not raw');
like($r->env('SESSION_ENV_OMITTED'), qr/(?:^|,)env:SESSION_USER(?:,|$)/,
    'and said to be omitted');
SxTest::done();
