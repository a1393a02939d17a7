# SPDX-License-Identifier: Apache-2.0
# What httpd asks of a provider, by a module that uses one: objects under ids of
# any form are found, are too large for a small buffer, are removed, and are
# seen one by one; those of another user of the file are not.
use SxTest;
use SxTest::Segment;

my $user = SxTest::Paths::user_module('mod_bench_socache');
plan(skip_all => 'needs t/bench/socache/mod_bench_socache.so') unless $user;
my $s = SxTest::Server->new(conf => <<"CONF");
LoadModule bench_socache_module $user
BenchSocache one shm_store:both.shm(4m)
BenchSocache two shm_store:both.shm
<Location /socache>
    SetHandler bench-socache
</Location>
CONF
$s->start;

# "done wrong refused" of an order.
sub order
{
    my ($cache, $do, %more) = @_;
    my %query = (cache => $cache, do => $do, n => 500, %more);
    my $r = $s->browser->get('/socache?'
        . join('&', map { "$_=$query{$_}" } sort keys %query),
        header => { Connection => 'close' });
    my @got = ($r->body // '') =~ /^done (\d+) wrong (\d+) refused (\d+) ns/;
    return "@got" || $r->status;
}

for my $keys (qw(random hex text)) {
    my %how = (keys => $keys);
    is(order('one', 'fill', %how), '500 0 0', "$keys: objects are stored");
    is(order('one', 'find', %how), '500 0 0', 'and found');
    is(order('two', 'find', %how), '0 0 0', 'by nobody else');
    is(order('one', 'fill', %how, len => 151), '500 0 0', 'and replaced');
    is(order('one', 'find', %how, len => 151), '500 0 0', 'and found');
    is(order('one', 'squeeze', %how, len => 151), '500 0 0',
        'a buffer that is too small gets nothing but ENOSPC');
    is(order('two', 'fill', %how, n => 100), '100 0 0', 'another stores some');
    is(order('one', 'walk', %how, len => 151), '500 0 0', 'each is seen once');
    is(order('two', 'walk', %how, n => 100), '100 0 0', 'as are the other\'s');
    is(order('one', 'drop', %how, n => 499), '499 0 0', 'all but one go');
    is(order('one', 'drop', %how, n => 499), '0 0 0', 'and are gone');
    is(order('one', 'find', %how, len => 151), '1 0 0', 'one is there');
    is(order('two', 'drop', %how), '100 0 0', 'and those of the other were');
    is(order('one', 'drop', %how, from => 499, n => 1), '1 0 0', 'it goes');
}

# Beyond what lies on a stack.
my %long = (len => 60_000, n => 5);
is(order('one', 'fill', %long), '5 0 0', 'long objects are stored');
is(order('one', 'find', %long), '5 0 0', 'and found');
is(order('one', 'walk', %long), '5 0 0', 'and seen');
is(order('one', 'drop', %long), '5 0 0', 'and removed');

# Writers of the same objects, and readers, who find each of them whole.
my @got = SxTest::parallel(4, sub {
    my ($n) = @_;
    return [map { order('one', $n % 2 ? 'find' : 'fill') } 1 .. 20];
});
is(join(', ', grep { !/^500 0 0$/ } map { @{ $got[$_] } } 0, 2), '',
    'those who write at one time are not in each other\'s way');
is(join(', ', grep { !/^\d+ 0 0$/ } map { @{ $got[$_] } } 1, 3), '',
    'and nobody reads what nobody wrote');
is(SxTest::Segment::fault($s->runtime_dir . '/both.shm'), '',
    'the file is sound');
SxTest::done();
