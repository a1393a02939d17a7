#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# Everything that `make bench` and `make bench-store` measure, printed as the
# sections of docs/performance.md.
#
#   t/bench/run [OPTION...] [PART...]
#
# The parts are store, http, instructions, commit, socache and graceful; all
# unless named.
#
#   --rounds=N      turns of every case (3 for the store, 5)
#   --quick         smaller and shorter: shows that it works, measures nothing
#   --long          the store with 10 M records, too, where memory allows
#   --only=REGEX    only HTTP cases whose name matches, and their bares
#   --write-docs    renew the sections measured in docs/performance.md
#   --docs=DIR      ... of the performance.md there
#   --help          this
#
# Cases take turns, A B C A B C, so that noise falls on all of them; figures
# are medians of rounds.  Needs wrk, valgrind for the instruction counts, and
# the peers, which ./bootstrap bench installs; what is missing is said in the
# tables.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib", "$FindBin::Bin/../lib", "$FindBin::Bin/../lint";
use File::Temp qw(tempdir);
use Getopt::Long;
use Bench::Commit;
use Bench::Graceful;
use Bench::Http;
use Bench::Instructions;
use Bench::Machine;
use Bench::Page;
use Bench::Socache;
use Bench::Store;
use SxTest::Usage;

my @ORDER = qw(store http instructions commit socache graceful);
my %part = (
    store        => \&Bench::Store::tables,
    http         => \&Bench::Http::tables,
    instructions => \&Bench::Instructions::tables,
    commit       => \&Bench::Commit::tables,
    socache      => \&Bench::Socache::tables,
    graceful     => \&Bench::Graceful::tables,
);

my %opt = (docs => "$FindBin::Bin/../../docs");
my $command = join ' ', 't/bench/run', @ARGV;
GetOptions(\%opt, qw(rounds=i quick long only=s write-docs docs=s help))
    or exit 2;
if ($opt{help}) {
    usage();
    exit 0;
}
my %want = map { $_ => 1 } @ARGV ? @ARGV : @ORDER;
if (my ($unknown) = grep { !$part{$_} } sort keys %want) {
    die "t/bench/run: no part '$unknown': store, http, instructions, commit,"
        . " socache, graceful\n";
}
die "t/bench/run: --rounds is at least 1\n" if ($opt{rounds} // 1) < 1;

# By hand one would measure whatever some older build has left.
die "please say make bench BENCHFLAGS='...': it builds what is measured\n"
    unless $ENV{SXTEST_BUILD};

# In memory where there is such a place: a disk is not what is measured. Open
# to the server's user.
my $root = -d '/dev/shm' && -w _ ? '/dev/shm' : '/tmp';
$opt{dir} = tempdir('sxbench-XXXXXX', DIR => $root, CLEANUP => 1);
chmod 0755, $opt{dir} or die "$opt{dir}: $!\n";
local $SIG{INT} = local $SIG{TERM} = sub { exit 1 };
$| = 1;

# Rounds of a part: those of the store have more cases each.
sub rounds
{
    my ($name) = @_;
    return $opt{rounds} if $opt{rounds};
    return $name eq 'store' ? ($opt{quick} ? 1 : 3) : ($opt{quick} ? 2 : 5);
}

my @text;
for my $name (grep { $want{$_} } @ORDER) {
    my $begin = time;
    my $machine = Bench::Machine::before();
    my $text = $part{$name}->({%opt, rounds => rounds($name)})
        . Bench::Machine::after($machine, time - $begin, $command);
    print "$text\n";
    push @text, $text;
}
exit 0 unless $opt{'write-docs'};

my $doc = "$opt{docs}/performance.md";
Bench::Page::renew($doc, @text, Bench::Machine::where());
print "written: $doc\n";
