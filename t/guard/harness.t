# SPDX-License-Identifier: Apache-2.0
# The harness itself, against a server of each MPM without our module: a test
# that trusts a broken tool proves nothing.
use SxTest;
use POSIX ();
use SxTest::Jar;
use SxTest::Listener;
use SxTest::Response;
use Time::HiRes qw(time);

sub echo_of
{
    my ($b, $name, $path) = @_;
    my $r = $b->get($path, status => 202, type => 'text/x-echo',
        h => ['X-One: 1', 'X-Two: a b', 'X-One: 2'], body => "r\xe4t & 1+1=2%",
        header => { 'X-Ask' => "q=\"1\", \xff" });
    is($r->status, 202, "$name: the status asked for is sent");
    is($r->header('x-one'), '1, 2',
        "$name: repeated header lines arrive in order");
    is($r->header('X-Two'), 'a b', "$name: a value keeps its blank");
    like($r->header('Content-Type'), qr{^text/x-echo},
        "$name: the type asked for is sent");
    is($r->env('HTTP_X_ASK'), "q=\"1\", \xff",
        "$name: an environment variable comes back byte for byte");
    is($r->env('HTTP_X_ABSENT'), undef, "$name: an absent one is undef");
    is($r->text, "r\xe4t & 1+1=2%", "$name: the body text comes back");
    my $long = 'v' x 20_000;
    is($b->post($path, body => $long)->text, $long,
        "$name: a POST carries more than a request line holds");
    is($b->head($path, h => 'X-One: 1')->header('X-One'), '1',
        "$name: HEAD has the headers");
    return;
}

sub barrier_of
{
    my ($b, $name, $path) = @_;
    for my $round (1, 2) {
        my $waiting = $b->start($path, wait => 'door', body => $round);
        ok(SxTest::reached('door'), "$name: the app stands at the barrier");
        is($b->get($path, body => 'by')->text, 'by',
            "$name: another request passes meanwhile");
        my $bits = '';
        vec($bits, fileno $waiting->{wire}{sock}, 1) = 1;
        is(scalar select($bits, undef, undef, 0.05), 0,
            "$name: nothing is sent before the release");
        SxTest::release('door');
        is($waiting->finish->text, $round,
            "$name: the app goes on after the release, time $round");
    }
    return;
}

sub crowd_of
{
    my ($b, $name, $path) = @_;
    my @all = map { $b->start($path, wait => 'crowd', body => $_) } 1 .. 6;
    ok(SxTest::reached('crowd', 6), "$name: six stand at one barrier");
    SxTest::release('crowd');
    is(join(',', map { $_->finish->text } @all), '1,2,3,4,5,6',
        "$name: all six go on");
    return;
}

sub pages_of
{
    my ($s, $b) = @_;
    is(length $b->get('/x/static/1k.txt')->body, 1024,
        'a static file has its length');
    is($b->get('/x/ssi/query.shtml', h => 'X-A: b', body => 'in')->text,
        "in\n", 'an SSI page includes the app');
    is($b->get('/x/cgi/nph-app', status => 206)->status, 206,
        'an nph app speaks for itself');
    is($b->get('/x/cgi/app/more/path')->env('SCRIPT_NAME'), '/x/cgi/app',
        'a path after the app is no part of its name');
    my $bytes = SxTest::raw("GET /x/static/style.css HTTP/1.0\r\n\r\n",
        port => $s->port);
    like($bytes, qr{^HTTP/1\.1 200 .*font-family}s, 'raw bytes come back');
    return;
}

sub life_of
{
    my ($s, $b, $mpm) = @_;
    my @before = $s->children;
    ok(@before > 0, "$mpm: the workers are known");
    my $mark = $s->log_mark;
    ok(SxTest::Listener::any($s->port, @before), "$mpm: they listen");
    # One of them hears of its end late.
    kill STOP => $before[0];
    defined(my $waker = fork) or die "fork: $!\n";
    if (!$waker) {
        select undef, undef, undef, 0.3;
        kill CONT => $before[0];
        POSIX::_exit(0);
    }
    ok($s->graceful, "$mpm: a graceful restart is seen to end");
    ok(!SxTest::Listener::any($s->port, @before),
        "$mpm: and no process of before it accepts connections");
    waitpid $waker, 0;
    like($s->error_log_since($mark), qr/resuming normal operations/,
        "$mpm: the log since a mark holds what came after it");
    ok($s->hup, "$mpm: a restart is seen to end");
    # The daemon that starts CGI programs is up a moment after its server.
    my $status = 0;
    for (1 .. 200) {
        $status = $b->get('/x/cgi/app')->status;
        last if $status == 200;
        select undef, undef, undef, 0.05;
    }
    is($status, 200, "$mpm: it serves again");
    my $pid = $s->pid;
    $s->stop;
    is(kill(0, $pid), 0, "$mpm: a stopped server is gone");
    is($b->get('/x/cgi/app')->status, 0, "$mpm: and answers with status 0");
    return;
}

sub refusal_of
{
    my ($s, $mpm) = @_;
    $s->write_conf("NoSuchDirective On\n");
    my ($status, $text) = $s->configtest;
    ok($status != 0, "$mpm: a bad configuration fails its test");
    like($text, qr/NoSuchDirective/, "$mpm: and says why");
    my ($up, $said) = $s->try_start;
    ok(!$up, "$mpm: it does not start either");
    like($said, qr/NoSuchDirective/, "$mpm: and says why");
    $s->write_conf('');
    is(($s->configtest)[0], 0, "$mpm: a good one passes");
    return;
}

sub server_of
{
    my ($mpm) = @_;
    local $ENV{SXTEST_MPM} = $mpm;
    my $s = SxTest::Server->new(mpm => $mpm, module => 0, php => 1)->start;
    my $b = $s->browser;
    my %app = ("$mpm cgi" => '/x/cgi/app', "$mpm sh" => '/x/sh/app');
    $app{"$mpm " . SxTest::php()} = '/x/php/app.php' if SxTest::php();
    for my $name (sort keys %app) {
        echo_of($b, $name, $app{$name});
        barrier_of($b, $name, $app{$name});
        crowd_of($b, $name, $app{$name});
    }
    pages_of($s, $b);
    life_of($s, $b, $mpm);
    refusal_of($s, $mpm);
    return;
}

sub taken
{
    my ($line, $host, $path) = @_;
    my $jar = SxTest::Jar->new;
    $jar->take($line, $host || 'localhost', $path || '/a/b');
    return $jar;
}

sub jar_rules
{
    my @sent = (
        ['k=v; Path=/', '/x', 'k=v', 'a cookie for / goes everywhere'],
        ['k=v; Path=/a', '/a/x', 'k=v', 'a path covers what is below it'],
        ['k=v; Path=/a', '/ab', undef, 'a path is no prefix of a name'],
        ['k=v; Path=/a', '/b/c', undef, 'another path gets nothing'],
        ['k=v', '/a/c', 'k=v', 'without Path it is the directory'],
        ['k=v', '/c', undef, 'and not beyond it'],
        ['k=v; Max-Age=0', '/a/b', undef, 'Max-Age=0 keeps nothing'],
        ['k=v; Max-Age=9; Expires=Thu, 01 Jan 1970 00:00:00 GMT', '/a/b',
            'k=v', 'Max-Age goes before Expires'],
        ['k=v; Expires=Thu, 01 Jan 1970 00:00:00 GMT', '/a/b', undef,
            'a date in the past keeps nothing'],
        ['k=a=b; Path=/', '/x', 'k=a=b', 'a value may hold ='],
        ['k=v; Domain=example.org', '/a/b', undef, 'a foreign domain'],
        ['k=v; SameSite=None', '/a/b', undef, 'SameSite=None wants Secure'],
        ['k=v; Partitioned', '/a/b', undef, 'Partitioned wants Secure'],
        ['k=v; Secure; Path=/', '/x', 'k=v', 'loopback counts as secure'],
        ['__Host-k=v; Secure; Path=/', '/x', '__Host-k=v',
            '__Host- as it should be'],
        ['__Host-k=v; Path=/', '/a/b', undef, '__Host- without Secure'],
        ['__Host-k=v; Secure', '/a/b', undef, '__Host- without Path=/'],
        ['__Secure-k=v; Path=/', '/a/b', undef, '__Secure- without Secure'],
    );
    for my $case (@sent) {
        my ($line, $path, $expected, $label) = @$case;
        is(taken($line)->header('localhost', $path), $expected,
            "jar: $label");
    }
    is(scalar taken('k=' . 'v' x 4096)->refused, 1,
        'jar: over 4096 bytes is refused and recorded');
    return;
}

sub jar_replaces
{
    my $jar = taken('k=1; Path=/');
    $jar->take('K=2; Path=/', 'localhost', '/');
    $jar->take('k=3; Path=/a', 'localhost', '/');
    is($jar->header('localhost', '/a'), 'k=3; k=1; K=2',
        'jar: names are exact, the longest path goes first');
    $jar->take('k=4; Path=/', 'localhost', '/');
    is($jar->header('localhost', '/'), 'k=4; K=2',
        'jar: the same name and path is replaced in its place');
    my $copy = $jar->clone;
    $jar->take('k=; Path=/; Max-Age=0', 'localhost', '/');
    is($jar->header('localhost', '/'), 'K=2', 'jar: one is deleted');
    is($copy->header('localhost', '/'), 'k=4; K=2',
        'jar: but not in the clone');
    $copy->forget;
    is($copy->header('localhost', '/'), undef, 'jar: forget forgets');
    is(taken('k=v; Path=/')->header('other', '/'), undef,
        'jar: another host gets nothing');
    return;
}

sub browser_keeps
{
    my $s = SxTest::Server->new(mpm => 'event', module => 0)->start;
    my $b = $s->browser;
    $b->get('/x/cgi/app', h => ['Set-Cookie: k=v; Path=/; HttpOnly']);
    is($b->cookie('k'), 'v', 'a browser keeps a cookie');
    is($b->cookie_attr('k')->{httponly}, 1, 'and its attributes');
    is($b->get('/x/cgi/app')->env('HTTP_COOKIE'), 'k=v', 'and sends it');
    my $other = $s->browser;
    is($other->get('/x/cgi/app')->env('HTTP_COOKIE'), undef,
        'another browser has none');
    $other->set_cookie(z => 1);
    is($other->get('/x/cgi/app')->env('HTTP_COOKIE'), 'z=1',
        'a cookie can be planted');
    my @ports = SxTest::parallel(8, sub {
        my ($i) = @_;
        return [$i, $$, $b->get('/x/cgi/app', body => $i)->text];
    });
    is(join(',', map { "$_->[0]=$_->[2]" } @ports),
        join(',', map { "$_=$_" } 0 .. 7), 'parallel answers in order');
    my %pids = map { $_->[1] => 1 } @ports;
    is(scalar keys %pids, 8, 'in eight processes');
    ok(!eval { SxTest::parallel(2, sub { die "no\n" }); 1 },
        'a death in one of them is a death here');
    return;
}

# The wire alone, against bytes that no httpd would split so.
sub wire_reads
{
    require IO::Socket::INET;
    my $listen = IO::Socket::INET->new(Listen => 1, Proto => 'tcp',
        LocalAddr => '127.0.0.1') or die "listen: $!";
    my $wire = SxTest::Wire->open($listen->sockport, 5);
    my $peer = $listen->accept;
    syswrite $peer, "HTTP/1.1 103 Early\r\nLink: </a>\r\n\r\n"
        . "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
        . "3\r\nabc\r\n2;x=y\r\nde\r\n0\r\nX-End: 1\r\n\r\n";
    my $r = $wire->answer('GET');
    is($r->status, 200, 'an interim answer is not the answer');
    like(join('', $r->interim), qr{Link: </a>}, 'but it is kept');
    is($r->body, 'abcde', 'chunks are joined');
    is($r->trailer('x-end'), '1', 'trailers are kept');
    syswrite $peer, "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc";
    close $peer;
    like($wire->answer('GET')->error, qr/ended inside/,
        'a short body is an error');
    return;
}

jar_rules();
jar_replaces();
wire_reads();
browser_keeps();
server_of($_) for qw(prefork worker event);
SxTest::done();
