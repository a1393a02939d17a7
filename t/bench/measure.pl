#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# Everything `make bench` measures, printed as the tables of
# docs/performance.md.
#
#   t/bench/run [PART...]   store, http, instructions, commit; all unless named
#     --rounds N      turns of every case (5)
#     --quick         smaller and shorter; for looking whether it works
#     --only REGEX    only HTTP cases whose name matches, and their bares
#     --write-docs    renew docs/performance.md
#
# Cases take turns, A B C A B C, so that noise falls on all of them; figures
# are medians of rounds.  Needs wrk, valgrind for the instruction counts, and
# the modules of the peers; what is missing is said in the tables.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib", "$FindBin::Bin/../lib", "$FindBin::Bin/../lint";
use File::Temp qw(tempdir);
use Getopt::Long;
use Bench::Commit;
use Bench::Http;
use Bench::Instructions;
use Bench::Machine;
use Bench::Store;

# By hand one would measure whatever some older build has left.
die "please say make bench BENCHFLAGS='...': it builds what is measured\n"
    unless $ENV{SXTEST_BUILD};

my %opt = (rounds => 5);
my $command = join ' ', 't/bench/run', @ARGV;
GetOptions(\%opt, qw(rounds=i quick only=s write-docs)) or exit 2;
my %want = map { $_ => 1 } @ARGV ? @ARGV : qw(store http instructions commit);
$opt{rounds} = 2 if $opt{quick} && $opt{rounds} > 2;

# In memory where there is such a place: a disk is not what is measured. Open
# to the server's user.
my $root = -d '/dev/shm' && -w _ ? '/dev/shm' : '/tmp';
$opt{dir} = tempdir('sxbench-XXXXXX', DIR => $root, CLEANUP => 1);
chmod 0755, $opt{dir} or die "$opt{dir}: $!\n";
local $SIG{INT} = local $SIG{TERM} = sub { exit 1 };
$| = 1;

my $begin = time;
my $machine = Bench::Machine::before();
my %part = (
    store        => \&Bench::Store::tables,
    commit       => \&Bench::Commit::tables,
    http         => \&Bench::Http::tables,
    instructions => \&Bench::Instructions::tables,
);
my @text;
for my $name (grep { $want{$_} } qw(store http instructions commit)) {
    my $text = $part{$name}->(\%opt);
    print "$text\n";
    push @text, $text;
}
my $foot = Bench::Machine::after($machine, time - $begin, $command);
print $foot;
exit 0 unless $opt{'write-docs'};

my $doc = "$FindBin::Bin/../../docs/performance.md";
open my $out, '>', $doc or die "$doc: $!\n";
print $out Bench::Machine::head(), map({ "$_\n" } @text), $foot;
close $out or die "$doc: $!\n";
print "written: docs/performance.md\n";
