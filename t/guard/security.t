#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# docs/security.md claims nothing that no test shows: each row of a table with a
# column of tests names one, and each that it names is there. And the rule of it
# that no test can measure: what decides on an id is compared in constant time.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../lint";
use Test::More;
use House;

my $PAGE = 'docs/security.md';
my %is_file = map { $_ => 1 } files('t/**');

# The tables of a text: a heading, and rows of cells.
sub tables
{
    my ($text) = @_;
    my (@tables, $open);
    for my $line (split /\n/, $text) {
        if ($line !~ /^\|(.*)\|\s*$/) {
            $open = undef;
            next;
        }
        my @cells = map { s/^\s+|\s+$//gr } split /(?<!\\)\|/, $1, -1;
        if (!$open) {
            push @tables, $open = { head => \@cells, rows => [] };
        }
        elsif (grep { !/^-+:?$/ } @cells) {
            push @{ $open->{rows} }, \@cells;
        }
    }
    return @tables;
}

sub tests_in { return $_[0] =~ m{`(t/[^`\s]+)`}g }

# What is wrong with a text, in sentences.
sub wrong
{
    my ($text) = @_;
    my @wrong;
    for my $table (grep { $_->{head}[-1] eq 'test' } tables($text)) {
        my $columns = @{ $table->{head} };
        for my $row (@{ $table->{rows} }) {
            push @wrong, "not $columns cells: $row->[0]" if @$row != $columns;
            push @wrong, "no test: $row->[0]"
                if !grep { m{\.(?:t|c)$} } tests_in($row->[-1]);
            push @wrong, "an empty cell: $row->[0]" if grep { $_ eq '' } @$row;
        }
    }
    for my $name (grep { m{\.(?:t|c)$} } tests_in($text)) {
        push @wrong, "there is no $name" if !$is_file{$name};
    }
    return @wrong;
}

my $text = slurp($PAGE);
my @with_tests = grep { $_->{head}[-1] eq 'test' } tables($text);
is(scalar @with_tests, 2, 'two tables have a column of tests');
cmp_ok(scalar(map { @{ $_->{rows} } } @with_tests), '>', 60,
    'and rows in plenty');
none('each row names a test that is there', wrong($text));
my ($scope) = grep { $_->{head}[-1] eq 'why' } tables($text);
none('what is out of scope says why',
    map { $_->[0] } grep { ($_->[1] // '') eq '' } @{ $scope->{rows} });

# Every requirement of the three chapters has its row, here or there.
my %REQUIREMENTS = ('3.3' => 5, '7.1' => 3, '7.2' => 4, '7.3' => 2, '7.4' => 5,
    '7.5' => 3, '7.6' => 2, '9.1' => 3, '9.2' => 4);
my %named = map { $_ => 1 } map { $_->[0] =~ /(\d\.\d\.\d)/g }
    map { @{ $_->{rows} } } @with_tests, $scope;
none('no requirement of ASVS V3.3, V7 and V9 is left out', grep { !$named{$_} }
    map { my $s = $_; map { "$s.$_" } 1 .. $REQUIREMENTS{$s} }
    sort keys %REQUIREMENTS);

# The guard notices what it is for.
my $head = "| requirement | what we do | test |\n|---|---|---|\n";
is(join(' ', wrong("$head| a | b | `t/unit/sx/id.c` |\n")), '', 'a good row');
is(join(' ', wrong("$head| a | b | trust us |\n")), 'no test: a',
    'a row without a test is noticed');
is(join(' ', wrong("$head| a | b | `t/cookie/none.t` |\n")),
    'there is no t/cookie/none.t', 'so is a test that is not there');
is(join(' ', wrong("$head| a | b |\n")), 'not 3 cells: a no test: a',
    'and a row that is cut');

# --- constant time -----------------------------------------------------------
# Files that hold MACs, keys or ids of clients; memcmp of anything else is named.
my %MAY = ('mod_session_ext/sx_keys.c' => qr/secret, secret \+ 1/);
my @compares;
for my $file (files('mod_session_ext/sx_{id,keys,seal}.c')) {
    my $allowed = $MAY{$file};
    for my $call (c_code(slurp($file)) =~ /\b((?:mem|str)n?cmp\s*\([^;]*);/g) {
        push @compares, "$file: $call"
            if !$allowed || $call !~ $allowed;
    }
}
none('secrets are compared by libsodium only', @compares);
like(slurp('mod_session_ext/sx_id.c'),
    qr/sodium_memcmp\(raw \+ AT_TAG, hash \+ SX_STORE_KEY_LEN, TAG_LEN\)/,
    'and the MAC of an id is');
done_testing();
