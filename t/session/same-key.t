# SPDX-License-Identifier: Apache-2.0
# C3: of two requests that set the same key the last commit wins, whichever
# began first, and the version grows by two.
use SxTest;

for my $app ('cgi/app', 'php/app.php') {
    for my $order ([qw(a b)], [qw(b a)]) {
        my ($first, $last) = @$order;
        my $b = SxTest->browser;
        $b->get("/s/$app", h => ['Session-Set: k=0']);
        my %pending = map {
            $_ => $b->clone->start("/s/$app", wait => $_,
                h => ["Session-Set: k=$_"])
        } qw(a b);
        SxTest::reached($_) for qw(a b);
        SxTest::release($first);
        is($pending{$first}->finish->status, 200, "$app: $first commits");
        is($b->get("/s/$app")->env('SESSION_VAR_k'), $first,
            "$app: and is to be seen");
        SxTest::release($last);
        is($pending{$last}->finish->status, 200, "$app: $last commits later");
        my $r = $b->get("/s/$app");
        is($r->env('SESSION_VAR_k'), $last, "$app: and wins");
        is($r->env('SESSION_VERSION'), 3, "$app: the version grew by two");
    }
}
SxTest::done();
