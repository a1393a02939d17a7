#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# Sizes that keep the code pleasant to read.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../lint";
use Test::More;
use House;
use CScan;

my @files = files('{shm_store,mod_session_ext}/**.{c,h}',
    't/{unit,bench,fuzz,calls}/**.{c,h}', 'conf/**.c');
cmp_ok(scalar @files, '>', 20, 'the C files of the tree are found');
none('no function, file, line or nesting is over its limit',
    map { scan_c($_, slurp($_)) } @files);

# The scanner must notice what it is for, and nothing else.
sub function_of
{
    my ($lines) = @_;
    return "int f(void)\n{\n" . ("    g();\n" x ($lines - 2)) . "}\n";
}

sub notices
{
    my ($text, $what, $label) = @_;
    my @found = scan_c('x.c', $text);
    like("@found", $what, $label);
    return;
}
is_deeply([scan_c('x.c', function_of(80))], [], '80 lines are accepted');
notices(function_of(81), qr/function of 81 lines/, '81 lines are noticed');
notices("x\n" x 601, qr/601 lines/, 'a file of 601 lines is noticed');
notices('x' x 81, qr/columns/, 'a line of 81 columns is noticed');
notices("int f(void)\n{\n" . (' ' x 16) . "if (x)\n", qr/nested/,
    'a fourth level is noticed');
notices("    goto fail;\n", qr/goto fail/, 'a second label is noticed');
notices("#define E(x) \\\n    if (x) \\\n        return\n", qr/macro/,
    'a macro that returns is noticed');
is_deeply([scan_c('x.c', "/* return\n goto x */\n#define A \"return\"\n")],
    [], 'words in comments and strings are not code');

done_testing();
