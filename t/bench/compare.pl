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
use Getopt::Long;
use Bench::Compare;
use Bench::Page;
use SxTest::Usage;

my %opt = (docs => "$FindBin::Bin/../../docs",
    apps => "$FindBin::Bin/compare");
my $command = join ' ', 'make bench-compare',
    @ARGV ? 'BENCHFLAGS=' . join ' ', @ARGV : ();
GetOptions(\%opt, qw(quick only=s write-docs docs=s apps=s help)) or exit 2;
if ($opt{help}) {
    usage();
    exit 0;
}
if (@ARGV) {
    print STDERR "compare.pl: '$ARGV[0]' is no option; --help lists them\n";
    exit 2;
}

# By hand one would compare whatever some older build has left.
die "please say make bench-compare: it builds what is compared\n"
    unless $ENV{SXTEST_BUILD};

# In memory where there is such a place: a disk is not what is compared.
$ENV{SXTEST_TMP} ||= '/dev/shm' if -d '/dev/shm' && -w _;
local @SIG{qw(INT TERM)} = (sub { exit 1 }) x 2;
$| = 1;

my ($text, @faults) = Bench::Compare::section(\%opt, $command);
print $text;
if ($opt{'write-docs'}) {
    my $doc = "$opt{docs}/comparison.md";
    Bench::Page::renew_between($doc, $text);
    print "written: $doc\n";
}
print STDERR "bench-compare: $_\n" for @faults;
exit(@faults ? 1 : 0);
