# SPDX-License-Identifier: Apache-2.0
# Session-Idle: the app's own idle timeout, up to SessionExtIdleMax.
use SxTest;

for my $app ('cgi/app', 'php/app.php') {
    my $b = SxTest->browser;
    my $path = "/headers_idle/$app";
    my $left = sub {
        my ($expected, $label) = @_;
        my $is = $b->get($path)->env('SESSION_IDLE_LEFT');
        ok($is <= $expected && $is >= $expected - 5, "$app: $label ($is)");
    };
    $b->get($path, h => ['Session-Set: a=1']);
    $left->(300, 'the timeout of the scope');
    $b->get($path, h => ['Session-Idle: 1200']);
    $left->(1200, 'is raised');
    $b->get($path, h => ['Session-Idle: 60']);
    $left->(60, 'or lowered');
    $b->get($path, h => ['Session-Idle: 999999']);
    $left->(3600, 'but not above what is allowed');
    $b->get($path, h => ['Session-Idle: default']);
    $left->(300, 'and given back');
}
SxTest::done();
