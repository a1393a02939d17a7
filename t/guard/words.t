#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# What stands in files: licence, banned calls, leftovers, white space, modes.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../lint";
use Test::More;
use House;

my @source = files(
    '**.{c,h,pl,pm,t,sh,php,py,rb,ru,js,lua,conf,conf.in,stub.php}',
    qw(configure.ac Makefile.in bootstrap .ci/run .clang-tidy t/.clang-tidy
       t/TEST t/run t/lint/* t/bench/run conf/demo/start)
);
my @text = grep { -T top() . "/$_" && !m{(?:^|/)corpus/} } files('**');
cmp_ok(scalar @source, '>', 40, 'the sources of the tree are found');

# A line of its own near the top: after "#!" and, in PHP, after "<?php".
sub without_licence
{
    my ($file) = @_;
    my @head = (lines($file))[0 .. 2];
    my $line = qr{^(?:/\*|\#|//|<!--|--) SPDX-License-Identifier: Apache-2\.0};
    return !grep { defined && $_ =~ $line } @head;
}
none('every source says its licence at the top',
    grep { without_licence($_) } @source);
like(slurp('LICENSE'), qr/Apache License\s+Version 2\.0, January 2004/,
    'LICENSE is the Apache licence 2.0');

# --- calls --------------------------------------------------------------------
my @banned;
for my $line (lines('t/lint/banned')) {
    next if $line =~ /^\s*(?:#|$)/;
    my ($files, $pattern, $why) = split /\s{2,}/, $line, 3;
    push @banned, {files => glob_re($files), re => qr/$pattern/, why => $why};
}

sub banned_in
{
    my ($file, $text) = @_;
    my @code = split /\n/, c_code($text, 1);
    my @found;
    for my $rule (grep { $file =~ $_->{files} } @banned) {
        push @found, map { "$file:" . ($_ + 1) . ": $rule->{why}" }
            grep { $code[$_] =~ $rule->{re} } 0 .. $#code;
    }
    return @found;
}
none('no banned call', map { banned_in($_, slurp($_)) } files('**.{c,h}'));
ok(banned_in('a/b.c', "x = strcpy(a, b);\n"), 'a banned call is noticed');
ok(!banned_in('a/b.c', "/* strcpy(a, b) */ my_strcpy(a);\n"),
    'and one in a comment is not one');

# --- leftovers ----------------------------------------------------------------
# Put together here, so that this file does not find itself.
my $leftover = join '|', 'TO' . 'DO', 'FIX' . 'ME', 'XX' . 'X',
    '<' x 7, '>' x 7;

sub leftovers
{
    my ($file, $text) = @_;
    my @lines = split /\n/, $text;
    return map { "$file:" . ($_ + 1) . ": $lines[$_]" }
        grep { $lines[$_] =~ /(?<!\w)(?:$leftover)(?!\w)/ } 0 .. $#lines;
}
none('nothing is left for later without an issue',
    map { leftovers($_, slurp($_)) } grep { $_ ne 'LICENSE' } @text);

# --- white space --------------------------------------------------------------
sub untidy
{
    my ($file) = @_;
    my $text = slurp($file);
    my @found;
    push @found, "$file: trailing space" if $text =~ /[ \t]+$/m;
    push @found, "$file: carriage return" if $text =~ /\r/;
    push @found, "$file: no newline at its end" if $text =~ /[^\n]\z/;
    push @found, "$file: indented by a tab"
        if $text =~ /^ *\t/m && $file !~ /^Makefile/;
    return @found;
}
none('no tabs for indentation, trailing spaces, carriage returns',
    map { untidy($_) } grep { $_ ne 'LICENSE' } @text);

# --- modes --------------------------------------------------------------------
sub wrong_mode
{
    my ($file) = @_;
    my $program = slurp($file) =~ /\A#!/;
    return ($program xor -x top() . "/$file");
}
none('what begins with #! can be executed, and nothing else',
    grep { wrong_mode($_) } @text);

done_testing();
