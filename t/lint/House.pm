# SPDX-License-Identifier: Apache-2.0
# What the guards share: which files there are, what they say, and where the
# build lies.
#
# The list of files comes from git, or from MANIFEST in a release: a search of
# the tree would judge the objects and logs that lie about in it.
package House;
use strict;
use warnings;
use Cwd qw(abs_path);
use File::Basename qw(dirname);
use Exporter qw(import);
use lib dirname(abs_path(__FILE__)) . '/../lib';
use SxTest::File qw(spew);
use Test::More ();

our @EXPORT = qw(top build files slurp lines glob_re make_var none c_code
    run spew text_of);

my $top   = dirname(dirname(dirname(abs_path(__FILE__))));
my $build = $ENV{SXTEST_BUILD}
    || (-e "$top/build/Makefile" ? "$top/build" : $top);

sub top   { return $top }
sub build { return $build }

# Output of a command given as a list; dies unless it ends with 0.
sub run
{
    my @command = @_;
    open my $pipe, '-|', @command or die "$command[0]: $!\n";
    my @out = <$pipe>;
    close $pipe or die "@command: exit status $?\n";
    chomp @out;
    return @out;
}

my @all;

sub all_files
{
    return @all if @all;
    if (-e "$top/.git") {
        @all = run(qw(git -c safe.directory=*), '-C', $top,
            qw(ls-files -co --exclude-standard));
    } else {
        @all = lines('MANIFEST');
    }
    @all = sort grep { -f "$top/$_" } @all;
    return @all;
}

# The files whose name matches one of these patterns ("shm_store/*.c").
sub files
{
    my @res = map { glob_re($_) } @_;
    return grep { my $f = $_; grep { $f =~ $_ } @res } all_files();
}

# "a/{b,c}*.h" as a regular expression; "*" does not cross a slash, "**" does.
sub glob_re
{
    my ($glob) = @_;
    my $re = quotemeta $glob;
    $re =~ s/\\\*\\\*/.*/g;
    $re =~ s/\\\*/[^\/]*/g;
    1 while $re =~ s{\\\{([^{}]*)\\\}}{'(?:' . ($1 =~ s/\\,/|/gr) . ')'}e;
    return qr/^$re$/;
}

sub slurp
{
    my ($file) = @_;
    return SxTest::File::slurp("$top/$file");
}

# Of any file, by its path: what is in it, '' if it is not there.
sub text_of
{
    my ($file) = @_;
    open my $in, '<', $file or return '';
    local $/ = undef;
    return readline($in) // '';
}

sub lines
{
    my ($file) = @_;
    return split /\n/, slurp($file);
}

# C text without comments, and unless ${keep} without what strings say, line
# by line as before.
sub c_code
{
    my ($text, $keep) = @_;
    $text =~ s{(/\*.*?\*/|//[^\n]*)|("(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')}
              {blank($1, $2, $keep)}gse;
    return $text;
}

sub blank
{
    my ($comment, $string, $keep) = @_;
    return $comment =~ s/[^\n]/ /gr if defined $comment;
    return $keep ? $string : '""';
}

# A variable of the built Makefile.
sub make_var
{
    my ($name) = @_;
    delete local @ENV{qw(MAKEFLAGS MFLAGS MAKELEVEL)};
    my ($value) = run('make', '-s', '--no-print-directory', '-C', $build,
        "print-$name");
    return $value;
}

# One test: passes when there are no findings, else prints them.
sub none
{
    my ($label, @found) = @_;
    Test::More::ok(!@found, $label);
    Test::More::diag("  $_") for @found;
    return !@found;
}

1;
