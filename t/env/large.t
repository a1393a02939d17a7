# SPDX-License-Identifier: Apache-2.0
# SESSION_DATA in parts, and SESSION_ENV_OMITTED for what does not fit.
use SxTest;

sub decode { return $_[0] =~ s/\+/ /gr =~ s/%(..)/chr hex $1/ger }

sub data_of
{
    my ($r) = @_;
    my $parts = $r->env('SESSION_DATA_PARTS');
    return $r->env('SESSION_DATA') unless defined $parts;
    return join '', map { $r->env("SESSION_DATA_$_") } 1 .. $parts;
}

# Values are longer than a header line: they are appended in pieces.
sub store
{
    my ($b, $app, %value) = @_;
    for my $key (sort keys %value) {
        my @pieces = $value{$key} =~ /(.{1,2000})/gs;
        $b->post("/s/$app", h => [map { "Session-Append: $key="
            . SxTest::Browser::escape($_) } @pieces]);
    }
    return $b->get("/s/$app");
}

for my $app ('cgi/app', 'php/app.php') {
    my $b = SxTest->browser;
    my $r = store($b, $app, a => 'x' x (8000 - 2));
    is(length $r->env('SESSION_DATA'), 8000, "$app: 8000 bytes are one");
    is($r->env('SESSION_DATA_PARTS'), undef, "$app: and no part");
    $r = $b->get("/s/$app", h => ['Session-Append: a=x']);
    $r = $b->get("/s/$app");
    is($r->env('SESSION_DATA'), undef, "$app: one byte more");
    is($r->env('SESSION_DATA_PARTS'), 2, "$app: makes two parts");
    is(data_of($r), 'a=' . 'x' x 7999, "$app: which join to the whole");

    $b = SxTest->browser;
    my %value = (map { ($_ => "$_&=%, \xC3\xBC" x 500) } 'a' .. 'f');
    $r = store($b, $app, %value);
    cmp_ok($r->env('SESSION_DATA_PARTS'), '>', 2, "$app: more parts");
    my @long = grep { /^SESSION_DATA_\d+$/ && length $r->env($_) > 8000 }
        keys %{ $r->envs };
    is("@long", '', "$app: none of them longer than 8000 bytes");
    my %got = map { map { decode($_) } split /=/, $_, 2 }
        split /&/, data_of($r);
    is_deeply(\%got, \%value, "$app: and every byte is there");
    is($r->env('SESSION_VAR_f'), $value{f}, "$app: also key by key");
    is($r->env('SESSION_ENV_OMITTED'), undef, "$app: nothing is omitted");

    $b = SxTest->browser;
    $r = store($b, $app, small => 'is here', big => 'y' x 17000);
    is($r->env('SESSION_VAR_small'), 'is here', "$app: a small key");
    is($r->env('SESSION_VAR_big'), undef,
        "$app: a value that a gateway would lose is no variable");
    is($r->env('SESSION_ENV_OMITTED'), 'big', "$app: which is said");
    %got = map { split /=/, $_, 2 } split /&/, data_of($r);
    is($got{big}, 'y' x 17000, "$app: the data has it all the same");
}
SxTest::done();
