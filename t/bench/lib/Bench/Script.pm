# SPDX-License-Identifier: Apache-2.0
# A benchmark of its own, with a page that is written by hand but for what is
# measured: what stands in compare.pl and backends.pl is all in which they differ.
package Bench::Script;
use strict;
use warnings;
use FindBin;
use lib __FILE__ =~ s|[^/]+/[^/]+\z||r;
use Bench::Page;
use SxTest::Usage;

# make ${name} measures it and docs/${page} tells it: the text of ${section}->(),
# which is called with the options and the command, and what is wrong.  ${more}:
# options that only this one has, and what they are if nobody says.
sub run
{
    my ($name, $page, $section, %more) = @_;
    my %opt = (docs => "$FindBin::Bin/../../docs", %more);
    my $command = join ' ', "make $name",
        @ARGV ? 'BENCHFLAGS=' . join ' ', @ARGV : ();
    options(\%opt, qw(quick only=s write-docs docs=s), map { "$_=s" } keys %more);

    # By hand one would measure whatever some older build has left.
    die "please say make $name: it builds what is measured\n"
        unless $ENV{SXTEST_BUILD};

    # In memory where there is such a place: a disk is not what is measured.
    $ENV{SXTEST_TMP} ||= '/dev/shm' if -d '/dev/shm' && -w _;
    local @SIG{qw(INT TERM)} = (sub { exit 1 }) x 2;
    local $| = 1;

    my ($text, @faults) = $section->(\%opt, $command);
    print $text;
    if ($opt{'write-docs'}) {
        Bench::Page::renew_between("$opt{docs}/$page", $text);
        print "written: $opt{docs}/$page\n";
    }
    print STDERR "$name: $_\n" for @faults;
    return @faults ? 1 : 0;
}

1;
