# SPDX-License-Identifier: Apache-2.0
# C1: requests that began with the same session and set different keys all
# win, also against one that removes others.
use SxTest;

my $N = 16;

for my $app ('cgi/app', 'php/app.php') {
    my $b = SxTest->browser;
    $b->get("/s/$app", h => ['Session-Set: base=1&out=1']);
    my @pending = map {
        $b->clone->start("/s/$app", wait => 'all', h => ["Session-Set: k$_=$_"])
    } 1 .. $N;
    push @pending,
        $b->clone->start("/s/$app", wait => 'all', h => ['Session-Unset: out']);
    SxTest::reached('all', $N + 1);
    SxTest::release('all');
    my @status = map { $_->finish->status } @pending;
    is("@status", join(' ', (200) x ($N + 1)), "$app: each is answered");

    my $r = $b->get("/s/$app");
    my @got = map { $r->env("SESSION_VAR_k$_") // '-' } 1 .. $N;
    is("@got", join(' ', 1 .. $N), "$app: each key that was set is there");
    is($r->env('SESSION_VAR_base'), '1', "$app: what nobody touched too");
    is($r->env('SESSION_VAR_out'), undef, "$app: what was removed is not");
    is($r->env('SESSION_VERSION'), 1 + $N + 1,
        "$app: the version grew by one for each");
}

# Two sessions never mix.
my @client = map { SxTest->browser } 1 .. 8;
$client[$_]->get('/s/cgi/app', h => ["Session-Set: who=$_"]) for 0 .. $#client;
my @pending = map {
    $client[$_]->start('/s/cgi/app', wait => 'two', h => ["Session-Set: me=$_"])
} 0 .. $#client;
SxTest::reached('two', scalar @client);
SxTest::release('two');
$_->finish for @pending;
my @seen = map {
    my $r = $_->get('/s/cgi/app');
    $r->env('SESSION_VAR_who') . $r->env('SESSION_VAR_me');
} @client;
is("@seen", '00 11 22 33 44 55 66 77', 'each client finds its own');
SxTest::done();
