#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# A sample of make store-mutants: stores into the segment that are dropped or
# come late are noticed by the quick tests of the store.
use strict;
use warnings;
use FindBin;
use Test::More;

my $seed = $ENV{SXTEST_SEED} || 1 + time % 1_000_000;
my $tool = "$FindBin::Bin/../store-mutants";
my $said = qx($^X '$tool' --sample 6 --seed $seed 2>&1);
is($?, 0, "six mutants of seed $seed are noticed, and no entry is stale")
    or diag($said);
like($said, qr/^6 killed, 0 equivalent, 0 survived, 0 stale$/m,
    'and there were six');

done_testing();
