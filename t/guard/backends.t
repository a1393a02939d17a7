#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# The benchmark of all stores works: its short form measures two of them, and
# says what is wrong with one that loses what it answered.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../lint", "$FindBin::Bin/../lib",
    "$FindBin::Bin/../bench/lib";
use Test::More;
use File::Temp qw(tempdir);
use House;
use Bench::Backends;

my $dir = tempdir(CLEANUP => 1);
# Open to the servers' user.
mkdir "$dir/tmp";
chmod 0755, $dir, "$dir/tmp";

# Exit status and all output.
sub backends
{
    my (@args) = @_;
    local @ENV{qw(SXTEST_BUILD SXTEST_TMP)} = (build(), "$dir/tmp");
    my $text = qx('$^X' '@{[top()]}/t/bench/backends.pl' @args 2>&1);
    return ($? >> 8, $text);
}

# The cells of each row, by its first one: of one table behind the other.
sub rows
{
    my ($text) = @_;
    my %rows;
    for my $row (map { [split / *\| */, s/^\| *//r] } grep { /^\|/ }
        split /\n/, $text)
    {
        push @{$rows{$row->[0]}}, $row;
    }
    return %rows;
}

# ---- the short form ----------------------------------------------------------
spew("$dir/scaling.md", "by hand\n\n<!-- measured -->\nold\n"
    . "<!-- end of measured -->\n\nalso by hand\n");
my ($status, $text) = backends('--quick', '--write-docs', "--docs=$dir");
is($status, 0, 'nothing is lost') or diag $text;
my %row = rows($text);
for my $name (qw(shm file)) {
    my ($cpu, $bytes, $capacity) = @{$row{$name} // []};
    like("@{$cpu // []}[1 .. 6]",
        qr/^[+-][\d.]+ [\d.]+ \d+ [+-][\d.]+ [\d.]+ \d+$/,
        "$name has its figures of CPU");
    is("@{$cpu // []}[7, 8]", '0 0', "$name: no error, nothing lost");
    cmp_ok($bytes->[3] // 0, '>', 8192, "$name: a session has its bytes");
    cmp_ok($capacity->[3] // 0, '>', 95, "$name: and 100 M have theirs");
}
like($text, qr/^Measured \d.* by `make bench-backends BENCHFLAGS=--quick/m,
    'when, how and on what is said');
like(text_of("$dir/scaling.md"), qr/\Aby\ hand\n\n<!--\ measured\ -->\n
    .*^\|\ shm\ .*^<!--\ end\ of\ measured\ -->\n\nalso\ by\ hand\n\z/msx,
    'the page is renewed between its marks');

# ---- what must not be --------------------------------------------------------
is(join(' ', Bench::Backends::faults({name => 'x', lost => 2},
        {name => 'y', lost => 0})),
    'x: 2 answered increments are not there', 'who loses is named');
my %line = (weight => {200 => 300, 1024 => 1124, 8192 => 8292});
my ($words, $predict) = Bench::Backends::model(\%line);
is($words, '100 + 1.00 x data', 'the model is the line through the ends');
is(sprintf('%.3f', Bench::Backends::off(\%line, $predict)), '0.000',
    'and held to the middle');
my %blocks = (block => 4096, weight => {%{$line{weight}}, 1024 => 8192});
is(Bench::Backends::off(\%blocks, (Bench::Backends::model(\%blocks))[1]), -0.5,
    'half of what was measured is 50 % off');
my %busy = (%line, name => 'x', got => {
    map { +$_ => [{httpd => 50, beside => 0}] } qw(read write)});
like(Bench::Backends::capacity_table(\%busy),
    qr/^\|\ x\ +\|\ +1\.05\ +\|\ +10\.5\ +\|\ +105\ +\|\ +20000\ +\|\ +-\ +\|/mx,
    'and what follows from it');
is(Bench::Backends::Kinds::lacking({needs => ['sh', 'nowhere']}),
    'nowhere not installed', 'a program that is missing is named');

# ---- what may go wrong -------------------------------------------------------
($status, $text) = backends('--only=nobody');
ok($status, 'a name that no store has is refused');
like($text, qr/no store's name matches 'nobody'/, 'and named');
($status, $text) = backends('--quick', 'stoer');
is($status, 2, 'a word that is no option is refused');
like($text, qr/'stoer' is no option/, 'and named');
is(join(' ', glob "$dir/tmp/*"), '', 'nothing is left behind');

done_testing();
