#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# Every header compiles alone, with the include paths of its layer and no
# other, so that no file depends on what was included before it.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../lint";
use Test::More;
use House;

my @cc    = split ' ', make_var('CC');
my @warn  = split ' ', make_var('WARN_CFLAGS');
my @layer = (
    ['shm_store/*.h',              'SST_FLAGS'],
    ['mod_session_ext/{sx,htsession}*.h', 'SX_FLAGS'],
    ['mod_session_ext/mod_*.h',    'MOD_FLAGS'],
    ['t/unit/**.h',                'SX_FLAGS', 'TEST_FLAGS', 'HOOK_FLAGS'],
    ['t/fuzz/**.h',                'SX_FLAGS', 'TEST_FLAGS', 'FUZZ_FLAGS',
        'HOOK_FLAGS'],
    ['t/bench/**.h',               'SST_FLAGS'],
    ['t/httpd-tests/*.h',          'MOD_FLAGS'],
);

# A header as the only text of a compilation; "-include" after its name in
# place of compiling the header itself, which would warn about its main file.
sub compiles
{
    my ($header, @flags) = @_;
    chdir build() or die build() . ": $!\n";
    return system(@cc, @flags, @warn, '-Wno-unused', '-Werror',
        '-fsyntax-only', '-x', 'c', '-include', $header, '/dev/null') == 0;
}

my %done;
for my $row (@layer) {
    my ($glob, @variables) = @$row;
    my @flags = map { make_words($_) } @variables;
    for my $header (files($glob)) {
        $done{$header} = 1;
        ok(compiles(top() . "/$header", @flags), "$header compiles alone");
    }
}

# The value as the shell of a recipe would split it.
sub make_words
{
    my ($name) = @_;
    my $value = make_var($name);
    return map { s/'//gr } split ' ', $value;
}

none('every header belongs to a layer',
    grep { !$done{$_} && !m{^mod_session_ext/php/} } files('**.h'));
done_testing();
