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
use Getopt::Long;
use Bench::Backends;
use Bench::Page;
use SxTest::Usage;

my %opt = (docs => "$FindBin::Bin/../../docs");
my $command = join ' ', 'make bench-backends',
    @ARGV ? 'BENCHFLAGS=' . join ' ', @ARGV : ();
GetOptions(\%opt, qw(quick only=s write-docs docs=s help)) or exit 2;
if ($opt{help}) {
    usage();
    exit 0;
}
if (@ARGV) {
    print STDERR "backends.pl: '$ARGV[0]' is no option; --help lists them\n";
    exit 2;
}

# By hand one would measure whatever some older build has left.
die "please say make bench-backends: it builds what is measured\n"
    unless $ENV{SXTEST_BUILD};

# In memory where there is such a place: a disk is not what is measured.
$ENV{SXTEST_TMP} ||= '/dev/shm' if -d '/dev/shm' && -w _;
local @SIG{qw(INT TERM)} = (sub { exit 1 }) x 2;
$| = 1;

my ($text, @faults) = Bench::Backends::section(\%opt, $command);
print $text;
if ($opt{'write-docs'}) {
    my $doc = "$opt{docs}/scaling.md";
    Bench::Page::renew_between($doc, $text);
    print "written: $doc\n";
}
print STDERR "bench-backends: $_\n" for @faults;
exit(@faults ? 1 : 0);
