# SPDX-License-Identifier: Apache-2.0
# H4: cookies under an old key go on working and are given out again under the
# first one: by pages, not by files or parts of pages; with what they had, and
# as old as they are. Without their key they mean nothing.
use SxTest;
use SxTest::Keys;

my $server = SxTest::Server->new;
my $file = $server->root . '/keys';
my ($old, $new) = map { SxTest::Keys::line($_) } 1, 2;
SxTest::Keys::put($file, $old);
$server->write_conf(<<"EOF2")->start;
SessionExtKeyFile $file
<Location "/enc/">
    SessionExtSeal theme encrypt
</Location>
<Location "/sig/">
    SessionExtSeal theme sign
</Location>
<Location "/brief/">
    SessionExtSeal theme encrypt max-age=2
</Location>
EOF2

sub reload_with
{
    SxTest::Keys::put($file, $_[0]);
    $server->graceful;
    return;
}

sub fresh
{
    my ($scope, $line) = @_;
    my $b = $server->browser;
    $b->get("/$scope/cgi/app", h => ["Set-Cookie: $line"]);
    return $b;
}

sub theme { return $_[0]->get("/$_[1]/cgi/app")->env('SEALED_theme') // '-' }

# ---- ages --------------------------------------------------------------------
my $brief = fresh('brief', 'theme=light; Path=/');
my $kept = $brief->clone;
is(theme($brief, 'brief'), 'light', 'within its max-age');
sleep 4;
my $mark = $server->log_mark;
is(theme($kept, 'brief'), '-', 'after it a browser that kept it has nothing');
is($kept->get('/brief/cgi/app')->env('HTTP_COOKIE'), undef, 'in Cookie');
like($server->error_log_since($mark), qr/sealed cookie theme .* too old/,
    'the log says why');

# ---- rotation ----------------------------------------------------------------
for my $scope (qw(enc sig)) {
    my %b = map { $_ => fresh($scope,
        'theme=light; Path=/; Max-Age=600; SameSite=Strict') }
        qw(page absent set part file);
    my $bare = fresh($scope, 'theme=light');
    my $before = $b{page}->cookie('theme');
    is($b{page}->get("/$scope/cgi/app")->header('Set-Cookie'), undef,
        "$scope: under the first key nothing is sent again");
    reload_with("$new$old");

    my $r = $b{file}->get("/$scope/static/1k.txt");
    is($r->header('Set-Cookie'), undef, "$scope: not by a plain file");
    is($r->header('Cache-Control'), undef, "$scope: which caches may keep");
    $r = $b{part}->get("/$scope/cgi/app",
        header => { 'Sec-Fetch-Dest' => 'image' });
    is($r->header('Set-Cookie'), undef, "$scope: nor by a part of a page");
    like($r->header('Cache-Control'), qr/private/, "$scope: which is private");
    is($r->env('SEALED_theme'), 'light', "$scope: but it works there");

    $r = $b{page}->get("/$scope/cgi/app");
    is($r->env('SEALED_theme'), 'light', "$scope: an old one works");
    like($r->header('Set-Cookie'), qr{^theme=[^;]+;[ ]Path=/;[ ]HttpOnly;[ ]
        SameSite=Strict;[ ]Max-Age=(?:59\d|600);[ ]Expires=}x,
        "$scope: and comes again with all that it had");
    is($r->header('Cache-Control'), 'no-store', "$scope: for no cache");
    like($r->header('Vary'), qr/Cookie/, "$scope: which varies");
    isnt($b{page}->cookie('theme'), $before, "$scope: it is another one");
    $r = $b{page}->get("/$scope/cgi/app");
    is($r->env('SEALED_theme'), 'light', "$scope: with the same value");
    is($r->header('Set-Cookie'), undef, "$scope: once");
    $r = $b{set}->get("/$scope/cgi/app", h => ['Set-Cookie: theme=x; Path=/']);
    is(scalar(my @all = $r->headers('Set-Cookie')), 1,
        "$scope: not beside one that the app sets");
    is(theme($b{set}, $scope), 'x', "$scope: which counts");

    # One without a path belongs to the directory that it came from.
    is($bare->get("/$scope/cgi/app/x/y")->header('Set-Cookie'), undef,
        "$scope: one without a path: not from another directory");
    is($bare->get("/$scope/cgi/app")->header('Set-Cookie') =~
        s/=[^;]+/=*/r, 'theme=*; HttpOnly; SameSite=Lax',
        "$scope: but from that");

    reload_with($new);
    is(theme($b{page}, $scope), 'light', "$scope: it needs its old key no more");
    is(theme($b{absent}, $scope), '-', "$scope: who did not come needs it");
    reload_with("$new$old");
    is(theme($b{absent}, $scope), 'light', "$scope: and has it again");
    reload_with($old);
}
like($server->browser->get('/server-status?auto')->body,
    qr/^SessionExt-seal_reissued: [1-9]/m, 'they are counted');
SxTest::done();
