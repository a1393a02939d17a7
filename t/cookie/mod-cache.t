# SPDX-License-Identifier: Apache-2.0
# K2 with a real mod_cache, over files and over shared memory, before and behind
# the handlers: no page of one user is given to another; what has nothing to do
# with a session is cached.
use SxTest;

my $DIR = SxTest::t_dir() . '/runtime/mod_cache';
mkdir $DIR or die "$DIR: $!\n";
open my $out, '>', "$DIR/page.html" or die "$DIR: $!\n";
print $out qq{<!--#echo var="SESSION_USER" -->\nBODY=\n};
close $out or die "$DIR: $!\n";
for my $name (qw(alice bob)) {
    open my $text, '>', "$DIR/$name.txt" or die "$DIR: $!\n";
    print $text "the file of $name";
    close $text or die "$DIR: $!\n";
}

my @FRESH = ('Expires: Thu, 01 Jan 2099 00:00:00 GMT',
    'Cache-Control: public, max-age=3600', 'ETag: "page"',
    'Last-Modified: Thu, 01 Jan 2015 00:00:00 GMT');

sub user
{
    my ($host, $name) = @_;
    my $b = SxTest->browser(host => $host);
    my $r = $b->post('/s/cgi/app', h => ["Session-Set: user=$name"]);
    return $b;
}

sub cached { return ($_[0]->header('X-Cache') || '') =~ /^(HIT|REVALIDATE)/ }

sub check_page
{
    my ($host, $path, %how) = @_;
    my ($alice, $bob) = map { user($host, $_) } qw(alice bob);
    my $nobody = SxTest->browser(host => $host);
    my $label = "$host$path";
    for my $round (1, 2) {
        my $r = $alice->get($path, %how);
        like($r->body, qr/alice/, "$label: alice sees her page");
        # What it is redirected to may be: that is one file for each.
        ok(!cached($r), "$label: from no cache") if $path !~ /choose/;
        $r = $bob->get($path, %how);
        like($r->body, qr/bob/, "$label: bob sees his");
        unlike($r->body, qr/alice/, "$label: and not hers");
        $r = $nobody->get($path, %how);
        unlike($r->body, qr/alice|bob/, "$label: nobody sees neither");
        is($r->header('Set-Cookie'), undef, "$label: nor gets a cookie");
    }
    return;
}

# An app that sends a file by a local redirect: the file is for who asked.
sub check_sent
{
    my ($host, $scope) = @_;
    my $to = "$scope/static/hello.html";
    my %how = (type => '', h => ["Location: $to"]);
    for my $name ('alice', 'bob', 'alice') {
        my $r = user($host, $name)->get('/s/cgi/app', %how);
        like($r->header('Cache-Control'), qr/\bprivate\b/,
            "$host: a file that an app sends to $name is for $name");
        like($r->header('Vary'), qr/Cookie/, "$host: wherever it lies: $to");
    }
    return;
}

for my $host (qw(quick.test slow.test quick-socache.test slow-socache.test)) {
    check_page($host, '/s/cgi/app', h => \@FRESH, length => 1);
    check_page($host, '/s/php/app.php', h => \@FRESH);
    check_page($host, '/s/ssi/env.shtml');
    check_page($host, '/s/ssi/include.shtml');
    check_page($host, '/bytype/page.html');
    check_page($host, '/choose/page');
    check_sent($host, $_) for '/s', '/off';

    # Cookies are never kept, first of all the one that begins a session.
    my ($one, $two) = map { SxTest->browser(host => $host) } 1, 2;
    my $how = sub { return (h => [@FRESH, 'Session-Set: a=1'], type =>
        'text/plain;x=1') };
    $_->get('/s/cgi/app', $how->()) for $one, $two;
    isnt($one->cookie('sid'), $two->cookie('sid'),
        "$host: two clients get two ids from one URL");

    # What is the same for all is kept: for those without a cookie, as well.
    my $alice = user($host, 'alice');
    $alice->get('/s/static/hello.html');
    my $r = SxTest->browser(host => $host)->get('/s/static/hello.html');
    ok(cached($r), "$host: a static file is cached, and for everybody");
    ok(cached($alice->get('/s/static/hello.html')), "$host: also for alice");
    my %anonymous = (h => \@FRESH, body => 'anonymous', length => 1);
    SxTest->browser(host => $host)->get('/s/cgi/app', %anonymous);
    $r = SxTest->browser(host => $host)->get('/s/cgi/app', %anonymous);
    ok(cached($r), "$host: a page for nobody in particular is cached");
    like($r->body, qr/SESSION_STATUS=none/, "$host: as such");
    $r = $alice->get('/s/cgi/app', %anonymous);
    like($r->body, qr/SESSION_USER=alice/, "$host: but not for alice");

    # Access by session, to a file.
    is($alice->get('/mine/static/style.css')->status, 200,
        "$host: alice may read a file of hers");
    isnt(SxTest->browser(host => $host)->get('/mine/static/style.css')->status,
        200, "$host: nobody else may, from no cache");
    isnt(user($host, 'bob')->get('/mine/static/style.css')->status, 200,
        "$host: bob neither");
}
SxTest::done();
