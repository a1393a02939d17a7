# SPDX-License-Identifier: Apache-2.0
# The sizes of C code, by lines.
#
# It relies on the formatting that clang-format gives: a function's braces
# stand alone in column 0 and nothing else's do, a level of nesting is four
# spaces.  That makes a parser needless, and lint sees to the formatting.
package CScan;
use strict;
use warnings;
use House;
use Exporter qw(import);

our @EXPORT = qw(scan_c);

our %LIMIT = (function => 80, c => 600, h => 400, nesting => 3, columns => 80);

# Findings in one file, each "place: what".
sub scan_c
{
    my ($file, $text) = @_;
    my @raw  = split /\n/, $text;
    my @code = split /\n/, c_code($text);
    my ($kind) = $file =~ /\.([ch])$/;
    my @found;
    push @found, "$file: " . @raw . " lines, more than $LIMIT{$kind}"
        if @raw > $LIMIT{$kind};
    push @found, map { "$file:$_" } columns(@raw), functions(@code),
        nesting(@code), jumps(@code), macros($text);
    return @found;
}

sub columns
{
    my @found;
    for my $n (1 .. @_) {
        my $line = $_[$n - 1];
        utf8::decode($line);
        push @found, "$n: longer than $LIMIT{columns} columns"
            if length $line > $LIMIT{columns};
    }
    return @found;
}

sub functions
{
    my ($start, @found);
    for my $n (1 .. @_) {
        my $line = $_[$n - 1];
        $start = $n if $line =~ /^\{/;
        next unless $line =~ /^\}/ && $start;
        my $size = $n - $start + 1;
        push @found, "$start: function of $size lines, more than "
            . $LIMIT{function}
            if $size > $LIMIT{function};
        $start = undef;
    }
    return @found;
}

sub nesting
{
    my $deepest = 4 * $LIMIT{nesting};
    my @found;
    for my $n (1 .. @_) {
        push @found, "$n: nested deeper than $LIMIT{nesting}"
            if $_[$n - 1] =~ /^( +)(?:if|for|while|do|switch)\b/
            && length $1 > $deepest;
    }
    return @found;
}

sub jumps
{
    my @found;
    for my $n (1 .. @_) {
        push @found, "$n: goto $1; the one label is out"
            if $_[$n - 1] =~ /\bgoto\s+(\w+)/ && $1 ne 'out';
    }
    return @found;
}

# Macros must not hide where control goes.
sub macros
{
    my ($text) = @_;
    my $code = c_code($text);
    my @found;
    while ($code =~ /^[ \t]*#[ \t]*define\b((?:[^\n]*\\\n)*[^\n]*)/mg) {
        my ($body, $before) = ($1, substr $code, 0, $-[0]);
        my $n = 1 + ($before =~ tr/\n//);
        push @found, "$n: a macro with return or goto"
            if $body =~ /\b(?:return|goto)\b/;
    }
    return @found;
}

1;
