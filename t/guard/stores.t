#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# Every atomic store of shm_store goes through sst_fault.h, where the tests can
# count it, die at it and break it, unless it is to memory of this process.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../lint";
use Test::More;
use House;

sub bare
{
    my ($file, $text) = @_;
    my $no = 0;
    return map { $no++; /\b__atomic_(?!load|signal)\w+\s*\(\s*&?(.*)/
            && $1 !~ /^(?:(?:store|cleanup|chores)->(?!base)|(?:running|watched)\b)/
            ? "$file:$no: $_" : () }
        split /\n/, c_code($text);
}

my @files = grep { !m{/sst_fault} } files('shm_store/*.{c,h}');
cmp_ok(scalar @files, '>', 20, 'the files of the store are found');
none('no store goes around sst_fault.h', map { bare($_, slurp($_)) } @files);
is(scalar bare('x', '__atomic_store_n(&entry->owner, 0, __ATOMIC_RELEASE);'), 1,
    'one that does is noticed');
is(scalar bare('x', '__atomic_add_fetch(&store->busy, 1, __ATOMIC_RELAXED);'),
    0, 'one to the handle is not');

done_testing();
