# SPDX-License-Identifier: Apache-2.0
# An answer does not tell why an id is not accepted: malformed, forged, of a key
# that is not there, of another namespace, ended, expired or never issued.
use SxTest;

sub fresh
{
    my ($path, @more) = @_;
    my $b = SxTest->browser;
    $b->get($path, h => ['Session-Set: user=alice', @more]);
    return $b;
}

my $live = fresh('/s/cgi/app')->cookie('sid');
my $ended = fresh('/s/cgi/app');
my $destroyed = $ended->cookie('sid');
$ended->get('/s/cgi/app', h => ['Session-Destroy: on']);
my $renewed = fresh('/s/cgi/app');
my $old = $renewed->cookie('sid');
$renewed->get('/s/cgi/app', h => ['Session-Renew: on']);
my $out = fresh('/s/cgi/app', 'Session-Idle: 1')->cookie('sid');
my $elsewhere = fresh('/ns2/cgi/app')->cookie('sid');
select undef, undef, undef, 2.2;

sub with
{
    my ($at, $letter) = @_;
    my $forged = $live;
    substr($forged, $at, 1) = $letter ne substr($live, $at, 1) ? $letter : 'z';
    return $forged;
}

my %IDS = (
    'is short' => substr($live, 0, 47), 'is long' => "${live}A",
    'is empty' => '', 'is no base64' => '*' x 48,
    'has another version' => with(0, 'B'), 'has another kid' => with(2, '_'),
    'has another random byte' => with(10, 'Q'), 'has another MAC' => with(40, 'Q'),
    'was destroyed' => $destroyed, 'was renewed' => $old,
    'has expired' => $out, 'is of another namespace' => $elsewhere,
);

# All of an answer but when it was made and how httpd frames it, which depends
# on when a CGI's pipe is closed.
sub answer
{
    my ($path, $id) = @_;
    my $r = SxTest->browser->get($path, header => { Cookie => "sid=$id" });
    my $head = $r->raw_head
        =~ s/^(?:Date|Transfer-Encoding|Content-Length):.*\n//mgr;
    return "$head\n" . ($r->body // '');
}

for my $path ('/s/cgi/app', '/s/php/app.php', '/s/ssi/env.shtml',
    '/s/static/1k.txt')
{
    my $first = answer($path, 'A' x 48);
    like($first, qr/^HTTP\/1\.1 200/, "$path: a forged id is no error");
    is(answer($path, $IDS{$_}), $first, "$path: the answer to one that $_")
        for sort keys %IDS;
    isnt(answer($path, $live), $first, "$path: and that to a good one differs")
        if $path !~ /static/;
}
SxTest::done();
