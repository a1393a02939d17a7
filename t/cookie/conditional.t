# SPDX-License-Identifier: Apache-2.0
# K2: no 304 tells one visitor, or one who has logged out, that a page of another
# is still good: not out of a mod_cache, and not before access is decided.
use SxTest;
use SxTest::File qw(spew);

my $DIR = SxTest::t_dir() . '/runtime/conditional';
# Later than any file here; a time to come would be passed over.
my $NOW = POSIX::strftime('%a, %d %b %Y %H:%M:%S GMT', gmtime);
my $PARSED = '<p>of <!--#echo var="SESSION_USER" -->.</p>';

mkdir $DIR or die "$DIR: $!\n";
spew("$DIR/file.html", $PARSED, 0755);
spew("$DIR/page.pl", <<'EOF', 0755);
#!/usr/bin/perl
my $who = $ENV{SESSION_USER} // 'nobody';
print "ETag: \"of-$who\"\r\nCache-Control: public, max-age=3600\r\n",
    'Content-Length: ', 3 + length $who, "\r\n",
    "Content-Type: text/plain\r\n\r\nof $who";
EOF

sub user
{
    my ($host, $name) = @_;
    my $b = SxTest->browser(host => $host);
    $b->post('/s/cgi/app', h => ["Session-Set: user=$name"]);
    return $b;
}

sub out
{
    my ($b) = @_;
    my $stale = $b->clone;
    $b->post('/s/cgi/app', h => ['Session-Destroy: on']);
    return ($b, $stale);
}

sub cached { return ($_[0]->header('X-Cache') || '') =~ /^(HIT|REVALIDATE)/ }

# To ${who}, who asks whether the page of alice is still good.
sub has_changed
{
    my ($label, $who, $path, %header) = @_;
    my $r = $who->get($path, header => \%header);
    isnt($r->status, 304, "$label: $path of alice is not confirmed");
    unlike($r->body, qr/of alice/, "$label: nor shown");
    return $r;
}

sub check_page
{
    my ($host) = @_;
    my ($alice, $bob) = map { user($host, $_) } qw(alice bob);
    my $nobody = SxTest->browser(host => $host);
    my %hers = ('If-None-Match' => '"of-alice"');
    $_->get('/page') for ($alice, $bob, $nobody) x 2;
    ok(cached($nobody->get('/page')), "$host: the page of nobody is cached");

    my $r = $alice->get('/page', header => \%hers);
    is($r->status, 304, "$host: alice is told that her page is still good");
    ok(!cached($r), "$host: by the app, not by a cache");
    like($r->header('Cache-Control'), qr/\bprivate\b/,
        "$host: and that it is still for her alone");
    like($r->header('Vary'), qr/\bCookie\b/, "$host: under her cookie");
    $r = $alice->get('/page', header => { 'If-None-Match' => '"of-nobody"' });
    is($r->status, 200, "$host: the page of nobody is not confirmed to alice");
    like($r->body, qr/of alice/, "$host: who gets hers");

    like(has_changed("$host, bob", $bob, '/page', %hers)->body, qr/of bob/,
        "$host: bob gets his");
    has_changed("$host, nobody", $nobody, '/page', %hers);
    my ($was, $stale) = out($alice);
    like(has_changed("$host, after log-out", $was, '/page', %hers)->body,
        qr/of nobody/, "$host: who has logged out gets the page of nobody");
    has_changed("$host, with the cookie of before", $stale, '/page', %hers);
    return;
}

# A file that only alice may read.
sub check_file
{
    my ($host) = @_;
    my $path = '/mine/file.html';
    my ($alice, $bob) = map { user($host, $_) } qw(alice bob);
    my $r = $alice->get($path);
    is($r->status, 200, "$host: alice may read a file of hers");
    my %hers = ('If-None-Match' => $r->header('ETag'),
        'If-Modified-Since' => $r->header('Last-Modified'));
    is($alice->get($path, header => \%hers)->status, 304,
        "$host: and is told that it has not changed");
    my ($was, $stale) = out($alice);
    my %who = (bob => $bob, nobody => SxTest->browser(host => $host),
        'after log-out' => $was, 'with the cookie of before' => $stale);
    for my $name (sort keys %who) {
        $r = has_changed("$host, $name", $who{$name}, $path, %hers);
        isnt($r->status, 200, "$host, $name: it is not to be read");
    }
    return;
}

# A page of includes has nothing that one could ask by.
sub check_parsed
{
    my ($host, $path) = @_;
    my ($alice, $bob) = map { user($host, $_) } qw(alice bob);
    my $r = $alice->get($path);
    like($r->body, qr/of alice/, "$host: alice sees $path");
    is(join(' ', grep { defined $r->header($_) } qw(ETag Last-Modified)), '',
        "$host: $path says nothing to ask by");
    my %hers = ('If-Modified-Since' => $NOW);
    like($alice->get($path, header => \%hers)->body, qr/of alice/,
        "$host: whoever asks all the same, gets $path anew");
    my ($was, $stale) = out($alice);
    has_changed("$host, bob", $bob, $path, %hers);
    has_changed("$host, with the cookie of before", $stale, $path, %hers);
    return;
}

for my $host (qw(quick-disk.test slow-disk.test quick-memory.test
    slow-memory.test)) {
    check_page($host);
    check_file($host);
    check_parsed($host, "/$_/file.html") for qw(parsed bytype);
}
SxTest::done();
