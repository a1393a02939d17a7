#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# What sessions cost in each store they may live in, printed as the tables of
# docs/scaling.md.
#
#   make bench-backends BENCHFLAGS='[OPTION...]'
#
#   --quick         two stores, a few seconds: shows that it works
#   --only=REGEX    only stores whose name matches
#   --write-docs    renew what is measured in docs/scaling.md
#   --docs=DIR      ... of the scaling.md there
#   --help          this
#
# Each store has an httpd of its own; they take turns, round by round.  Ends with
# 1 if an increment that was answered is not there.  A store whose server is not
# installed has a row that says so; ./bootstrap bench-backends installs them all.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib", "$FindBin::Bin/../lib";
use Bench::Backends;
use Bench::Script;

exit Bench::Script::run('bench-backends', 'scaling.md',
    \&Bench::Backends::section);
