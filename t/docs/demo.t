# SPDX-License-Identifier: Apache-2.0
# The demo is started by its own script, walked through as a visitor would,
# started again, and stopped.
use strict;
use warnings;
use SxTest;

use File::Temp qw(tempdir);
use IO::Socket::INET;

# A copy, so that a demo that somebody runs from the tree is left alone; a
# closed one, because the script has to cope with that.
my $tree = tempdir('sxt-demo-XXXXXX', DIR => SxTest::Paths::scratch_root(),
    CLEANUP => 1);
mkdir "$tree/conf";
system('cp', '-RP', SxTest::t_dir() . '/../conf/demo', "$tree/conf") == 0
    or die "cp: $?\n";
chmod 0700, $tree;
my $port = SxTest::Paths::free_port();
$ENV{LD_PRELOAD} = $ENV{SXTEST_PRELOAD} if $ENV{SXTEST_PRELOAD};

# (exit status, all that it said)
sub demo
{
    my (@words) = @_;
    my $text = qx(sh $tree/conf/demo/start @words 2>&1);
    return ($? >> 8, $text);
}

END {
    local $?;
    demo('--stop') if $tree;
}

my ($status, $text) = demo('--status');
is($status, 1, '--status fails while nothing runs');

my $squatter = IO::Socket::INET->new(Listen => 1, ReuseAddr => 1,
    LocalAddr => '127.0.0.1', LocalPort => $port) or die "port $port: $!\n";
my $module = SxTest::Paths::module();
($status, $text) = demo("--module $module --port $port");
is($status, 1, 'a port that is taken is refused');
like($text, qr/port $port: Address already in use; choose another/,
    'with a sentence that says so');
close $squatter;
($status, $text) = demo("--module $module --port http");
is($status, 1, 'so is a port that is no number');

($status, $text) = demo("--module $module --port $port");
is($status, 0, 'the demo starts') or BAIL_OUT($text);
like($text, qr{http://127\.0\.0\.1:$port/\s}, 'and prints its address');
($status, $text) = demo('--status');
is($status, 0, '--status knows it');

# --- a visit ------------------------------------------------------------------
my $b = SxTest::Browser->new(port => $port);

# Follows redirects as a browser does. The last answer.
sub visit
{
    my ($path, $content) = @_;
    my $r = defined $content
        ? $b->request(POST => $path, content => $content,
            header => { 'Content-Type' => 'application/x-www-form-urlencoded',
                        'Sec-Fetch-Site' => 'same-origin' })
        : $b->get($path);
    return $r if $r->status != 303;
    return visit($r->location);
}

my $home = visit('/');
is($home->status, 200, 'the static page is there');
like($home->body, qr/One session/, 'and greets a stranger as one');
is(join('', $home->headers('Set-Cookie')), '',
    'reading it sets no cookie');
for my $path (qw(/shop.pl /shop.pl/cart /recent.sh /account.php /style.css)) {
    is(visit($path)->status, 200, "$path is there");
}
is(visit('/shop.pl/coffee')->status, 404, 'a tea that is not sold is not');
is($b->cookie('sid'), undef, 'and still there is no cookie');

my $r = visit('/shop.pl', 'tea=sencha&action=add');
like($r->body, qr/Sencha is in your cart/, 'adding a tea says so, once');
ok($b->cookie('sid'), 'and starts a session');
unlike(visit('/shop.pl/cart')->body, qr/Sencha is in your cart/,
    'but not twice');
visit('/shop.pl', 'tea=sencha&action=add');
visit('/shop.pl', 'tea=oolong&action=add');
like(visit('/shop.pl/cart')->body, qr/€ 25\.00/, 'Perl adds the cart up');
like(visit('/')->body, qr{<b class="badge">3</b>},
    'the shell script on the static page counts it');

visit("/shop.pl/$_") for qw(lapsang rooibos);
$r = visit('/recent.sh');
like($r->body, qr/Rooibos.*Lapsang/s, 'the shell page knows what Perl showed');
like($r->body, qr/in this session: <b>2</, 'and how often');

my $id = $b->cookie('sid');
like(visit('/account.php', 'name=Ann&password=milk')->body,
    qr/not the password/, 'a wrong password is told');
is($b->cookie('sid'), $id, 'and changes nothing');
like(visit('/checkout.php')->body, qr/Please log in/,
    'the check-out wants a name');
$r = visit('/account.php', 'name=Ann+%3Cb%3E%26&password=darjeeling');
like($r->body, qr/Welcome, Ann &lt;b&gt;&amp;\./,
    'PHP welcomes, and escapes what it was told');
isnt($b->cookie('sid'), $id, 'a log-in changes the id');
like($r->body, qr/€ 25\.00/, 'and keeps the cart');
like(visit('/')->body, qr/Good to see you, Ann &lt;b&gt;&amp;\./,
    'the static page greets by name');

my ($version) = visit('/checkout.php')->body =~ /name="version"\s+value="(\d+)"/;
visit('/shop.pl', 'tea=hibiscus&action=add');
$r = visit('/checkout.php', "version=$version");
is($r->status, 409, 'an order for a cart that has changed is refused');
like($r->body, qr/Nothing was ordered/, 'on a page of the shop');
($version) = visit('/checkout.php')->body =~ /name="version"\s+value="(\d+)"/;
$r = visit('/checkout.php', "version=$version");
like($r->body, qr/Ordered\./, 'an order for the cart as it is goes through');
like($r->body, qr/2 × Sencha, 1 × Dong Ding, 1 × Hibiscus/,
    'and the account page remembers it');
unlike(visit('/')->body, qr/class="badge"/, 'the cart is empty then');

$r = $b->request(POST => '/logout.sh',
    header => { 'Sec-Fetch-Site' => 'cross-site' });
is($r->status, 403, 'another site cannot log the visitor out');
my $old = $b->clone;
like(visit('/logout.sh', '')->body, qr/You are logged out/,
    'logging out says good-bye on the next page');
unlike(visit('/account.php')->body, qr/Ann/, 'and forgets the name');
like($old->get('/note.sh')->body, qr/^SESSION_STATUS=invalid$/m,
    'the old cookie opens nothing any more');

# --- the line for curl, and a second start -------------------------------------
$r = visit('/note.sh', 'note=two+words%21');
like($r->body, qr/^SESSION_VAR_note=two words!$/m,
    'a note is kept and read back as text');
is($b->request(POST => '/note.sh', content => "note=a\r\nSession-Set: user=b")
        ->status, 400, 'a line break in a note is refused');

($status, $text) = demo("--module $module --port $port");
is($status, 0, 'a second start replaces the first') or diag($text);
like(visit('/note.sh')->body, qr/^SESSION_VAR_note=two words!$/m,
    'and the session is still there');

my ($dir) = $text =~ /Logs:\s+(\S+)\/log/;
open my $log, '<', "$dir/log/error.log" or die "error.log: $!\n";
is(join('', grep { /\[[\w-]*:?(?:error|crit|alert|emerg)\]/ } <$log>), '',
    'the error log holds no error');
($status, $text) = demo('--stop');
is($status, 0, 'it can be stopped');
ok(!-e $dir, 'and leaves nothing behind');
ok(!IO::Socket::INET->new(PeerAddr => '127.0.0.1', PeerPort => $port),
    'and nobody answers any more');

SxTest::done();
