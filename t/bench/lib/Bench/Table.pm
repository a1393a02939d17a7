# SPDX-License-Identifier: Apache-2.0
# Medians, and rows as a table that reads well as text and as Markdown.
package Bench::Table;
use strict;
use warnings;
use List::Util qw(max);
use Exporter qw(import);

our @EXPORT = qw(median spread table verdict);

sub median
{
    my @v = sort { $a <=> $b } grep { defined } @_;
    return undef unless @v;
    return @v % 2 ? $v[$#v / 2] : ($v[@v / 2 - 1] + $v[@v / 2]) / 2;
}

# "low..high" of what was measured, with this format for each.
sub spread
{
    my ($format, @values) = @_;
    my @v = sort { $a <=> $b } grep { defined } @values;
    return @v ? sprintf("$format..$format", $v[0], $v[-1]) : '-';
}

# Rows of cells, the first one the head; the first column is text.
sub table
{
    my @rows = @_;
    my @width;
    for my $row (@rows) {
        $width[$_] = max($width[$_] // 3, length $row->[$_]) for 0 .. $#$row;
    }
    my $rule = join '|', '-' x ($width[0] + 2),
        map { '-' x ($_ + 1) . ':' } @width[1 .. $#width];
    my @lines = map {
        my $row = $_;
        join ' | ', sprintf("%-*s", $width[0], $row->[0]),
            map { sprintf "%*s", $width[$_], $row->[$_] } 1 .. $#$row
    } @rows;
    my ($head, @body) = map { "| $_ |\n" } @lines;
    return join '', $head, "|$rule|\n", @body;
}

# One line about an aim: what, the figure, the bound, and met or missed.
# ${sense} is "<=" or ">=".
sub verdict
{
    my ($what, $value, $sense, $aim, $unit) = @_;
    return "* $what: not measured\n" unless defined $value;
    my $met = $sense eq '<=' ? $value <= $aim : $value >= $aim;
    return sprintf "* %s: %.2f %s (aim %s %s): %s\n", $what, $value, $unit,
        $sense, $aim, $met ? 'met' : '**missed**';
}

1;
