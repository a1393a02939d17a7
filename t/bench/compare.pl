#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# What happens to a session when requests overlap: ours beside others, printed
# as the table of docs/comparison.md.
#
#   make bench-compare BENCHFLAGS='[OPTION...]'
#
#   --quick         ours and PHP's files, a few seconds: shows that it works
#   --only=REGEX    only peers whose name matches
#   --write-docs    renew what is measured in docs/comparison.md
#   --docs=DIR      ... of the comparison.md there
#   --apps=DIR      the apps of the peers (t/bench/compare)
#   --help          this
#
# Ends with 1 if ours loses an increment, lets somebody in after a log-out, or
# lets a fast request wait for a slow one.  A peer that is not installed has a
# row that says so; ./bootstrap bench-compare installs them all.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib", "$FindBin::Bin/../lib";
use Bench::Compare;
use Bench::Script;

exit Bench::Script::run('bench-compare', 'comparison.md',
    \&Bench::Compare::section, apps => "$FindBin::Bin/compare");
