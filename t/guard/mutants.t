#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# Every mutant fits the tree: the text that it changes is there, once, and so is
# the test that must notice.  Whether it does is for `make mutants`.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../lint";
use Test::More;
use House;

my $said = qx('$^X' '${\top()}/t/mutate' --check 2>&1);
like($said, qr/^(\d+) fit, 0 do not$/m, 'all mutants fit');
my ($fit) = $said =~ /^(\d+) fit/m;
cmp_ok($fit // 0, '>', 200, 'and they are many');
diag($said) if $said !~ /\b0 do not$/m;
done_testing();
