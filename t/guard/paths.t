#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# The tables of docs/paths.md, t/paths/*.t and what puts their cells to a server
# speak of the same gateways, ways and sections.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../lint", "$FindBin::Bin/../lib";
use Test::More;
use House;
use SxTest::Matrix;

my @tables = SxTest::Matrix::tables(top());
cmp_ok(scalar @tables, '>', 2, 'the tables are found');
for my $table (@tables) {
    my ($section, $columns, @rows) = @$table;
    is(join(' | ', @$columns), join(' | ', SxTest::Gateways::names(), 'why'),
        "$section: its columns are the gateways of the tests");
    none("$section: each cell is a status and four marks, or none at all",
        map { my ($row, $cell) = @$_; map { "$row: $cell->{$_}" }
            grep { $cell->{$_} !~ /^(?:-|\d{3} [S-][WwE-][F-][P-])$/ }
            SxTest::Gateways::names() } @rows);
}

my %on_page = map { $_->[0] => 1 } map { @$_[2 .. $#$_] } @tables;
my %known = map { $_ => 1 } SxTest::Matrix::row_names();
none('every way on the page is known to the tests',
    grep { !$known{$_} } sort keys %on_page);
none('every way that the tests know is on the page',
    grep { !$on_page{$_} } sort keys %known);

my %tested = map { $_ => 1 } map { slurp($_) =~ /::check\('(.*?)'\)/ }
    files('t/paths/*.t');
none('every table has a test', grep { !$tested{$_} } map { $_->[0] } @tables);

done_testing();
