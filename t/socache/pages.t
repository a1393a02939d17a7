# SPDX-License-Identifier: Apache-2.0
# CacheSocache shm_store: whole pages, which any process serves that did not
# store them; the oldest make room for new ones, and none is refused. No global
# mutex is wanted for it.
use SxTest;
use SxTest::Segment;

plan(skip_all => 'needs mod_cache_socache')
    unless SxTest::has('mod_cache_socache');
my $SIZE = 20 * 1024;
my $s = SxTest::Server->new(conf => <<'CONF');
CacheSocache "shm_store:pages.shm(1m)"
CacheEnable socache /pages
CacheHeader On
CacheDefaultExpire 3600
# Made for a provider that needs one, and this one cannot be made.
Mutex "file:${SX_RUN}/nolocks" cache-socache
CacheMinExpire 3600
CONF
my $dir = $s->root . '/htdocs/pages';
mkdir $_ or die "$_: $!\n" for $dir, $s->runtime_dir . '/nolocks';
chmod 0555, $s->runtime_dir . '/nolocks';

sub write_page
{
    my ($n, $letter) = @_;
    open my $out, '>', "$dir/$n.txt" or die "$dir: $!\n";
    print $out $letter x $SIZE;
    close $out or die "$dir: $!\n";
    return;
}

sub page
{
    my ($n, %header) = @_;
    my $r = $s->browser->get("/pages/$n.txt",
        header => { Connection => 'close', %header });
    my ($hit) = ($r->header('X-Cache') // '') =~ /^(\w+)/;
    return ($hit // 'none', $r->body // '');
}

sub hits
{
    my %seen = map { $_ => 1 } map { @$_ } SxTest::parallel(4, sub {
        return [map { join ' ', map { substr $_, 0, 4 } page(0) } 1 .. 8];
    });
    return join ', ', sort keys %seen;
}

write_page($_, 'a') for 0 .. 199;
$s->start;
is((page(0))[0], 'MISS', 'the first to ask finds it nowhere');
# mod_cache may keep an answer a moment after it has gone.
for (1 .. 500) {
    last if (page(0))[0] eq 'HIT';
    select undef, undef, undef, 0.02;
}
write_page(0, 'b');
my ($hit, $body) = page(0);
is($hit, 'HIT', 'the next one finds it');
is($body, 'a' x $SIZE, 'all of it');
is(hits(), 'HIT aaaa', 'in all processes');
kill KILL => ($s->children)[0];
is(hits(), 'HIT aaaa', 'also after the death of one');
$s->graceful;
is(hits(), 'HIT aaaa', 'also after a graceful restart');
page(0, 'Cache-Control' => 'no-cache');
is(hits(), 'HIT bbbb', 'what is stored again is in the place of the first');
unlink "$dir/0.txt";
page(0, 'Cache-Control' => 'max-age=0');
isnt((page(0))[0], 'HIT', 'and what is removed is gone');
write_page(0, 'c');
page(0);
my $status = $s->browser->get('/server-status?auto')->body;
like($status, qr/^ModCacheSocacheStatus\nCacheType: SHM_STORE\n/m,
    'the status page tells');

# The store's clock ticks ten times a second: what is of one tick has no order.
my $tick = sub { select undef, undef, undef, 0.25 };
$tick->();
page($_) for 1 .. 189;
$tick->();
page($_) for 190 .. 199;
my @kept = grep { (page($_))[0] eq 'HIT' } 190 .. 199;
is("@kept", join(' ', 190 .. 199),
    'of four times what there is room for the last is there');
is((page(0))[0], 'MISS', 'and the first is not');
unlike($s->error_log, qr/could not write to cache|was not kept/,
    'nothing was refused');
my ($gone) = $s->browser->get('/server-status?auto')->body
    =~ /^CacheDiscardCount: (\d+)$/m;
cmp_ok($gone, '>', 100, 'and it is told how many had to go');
is(SxTest::Segment::fault($s->runtime_dir . '/pages.shm'), '',
    'the file is sound');
SxTest::done();
