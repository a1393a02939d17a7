#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# PHP's own tests of its sessions (.phpt), on its handler files, and on ours.
#
#   make phpt PHPTFLAGS='[OPTION...]'
#
#   --only=REGEX    only tests whose name matches
#   --files         only on files
#   --exclude=FILE  those that do not apply to ours (t/php/phpt.exclude)
#   --source=DIR    the tests, instead of Debian's source package of PHP
#   --dir=DIR       where to run them (php/phpt in the build)
#   --jobs=N        so many at a time (2)
#   --help          this
#
# A test that fails on ours, or already on files, must stand in the list of
# those that do not apply.  What stands there must fail, and for the reason that
# is given as far as that can be seen.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib", "$FindBin::Bin/../lib";
use Phpt::Alone;
use Phpt::Exclude;
use Phpt::Judge;
use Phpt::Run;
use Phpt::Source;
use SxTest::Progress;
use SxTest::Usage;

my $build = $ENV{SXTEST_BUILD}
    or die "please say make phpt: it builds what is tested\n";
my %opt = (exclude => "$FindBin::Bin/phpt.exclude", only => '.', jobs => 2,
    dir => "$build/php/phpt");
options(\%opt, qw(only=s files exclude=s source=s dir=s jobs=i));
local @SIG{qw(INT TERM)} = (sub { exit 1 }) x 2;
$| = 1;

# One of the runs: how the tests ended, by name.
my %run;
sub results
{
    my ($name, %how) = @_;
    progress("the tests on $name");
    $run{$name} = Phpt::Run->new(source => $opt{source}, only => $opt{only},
        dir => "$opt{dir}/" . $name =~ s/ /-/gr, %how);
    return $run{$name}->results($opt{jobs});
}

sub say_counts
{
    my ($name, $count, @failed) = @_;
    my $kind = $count->{kind} // {};
    my $kinds = join ', ', map { "$_ $kind->{$_}" } sort keys %$kind;
    my @more = ("$count->{skipped} skipped by PHP") x !!$count->{skipped};
    push @more, "$count->{excluded} do not apply ($kinds)" if $kinds;
    my $failed = join ' ', "$count->{failed} failed",
        @failed ? '(' . join(' ', @failed) . ')' : ();
    unshift @more, "$name: $count->{passed} passed", $failed;
    print join(', ', @more), "\n";
    return;
}

sub show
{
    my ($run, @faults) = @_;
    for my $fault (@faults) {
        my ($name, $what) = @$fault;
        print "\n$name $what\n";
        next if $what !~ /^fails\b/;
        print map { "    $_\n" } split /\n/, $run->difference($name);
    }
    return;
}

if (!$opt{source}) {
    $opt{source} = "$build/php/source";
    my ($version, $installed) = Phpt::Source::provide($opt{source});
    print "tests of Debian's php $version, PHP $installed\n";
}
my %result = (files => results('files'));
my ($count, @faults)
    = Phpt::Judge::judge({%result, ours => $result{files}}, {}, 'ours');
say_counts('files', $count, map { $_->[0] } @faults);
if ($opt{files}) {
    show($run{files}, @faults);
    exit(@faults ? 1 : 0);
}
my ($rows, @wrong) = Phpt::Exclude::read_list($opt{exclude});
delete @$rows{grep { !/$opt{only}/ } keys %$rows};
$result{has_url} = $run{files}->has_url;
$result{strict} = results('files in strict mode', strict => 1);
my %NAME = (ours => 'session_ext', own => 'session_ext and its serializer');
for my $which (qw(ours own)) {
    my $name = $NAME{$which};
    $result{$which} = results($name,
        Phpt::Alone::handler("$opt{dir}/state", $which eq 'own'));
    my ($got, @found) = Phpt::Judge::judge(\%result, $rows, $which);
    show($run{$name}, @found);
    say_counts($name, $got);
    push @wrong, map { "$_->[0] $_->[1]" } @found;
}
exit(@wrong ? 1 : 0);
