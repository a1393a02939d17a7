#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# Each table of docs/store-format.md that names a struct of the store says where
# its fields lie, as the compiler sees it, and leaves no byte out; and each such
# struct has a table.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../lint";
use Test::More;
use House;

my $PAGE    = 'docs/store-format.md';
my @HEADERS = qw(sst_layout.h sst_dump.h sst_journal.h);

# Tables of words, which the page tells by their number, and a lock.
my %WORDS = map { $_ => 1 } qw(sst_counters_shm sst_latency_shm);

# Struct => its rows, each [offset, bytes, field].
sub tables
{
    my ($text) = @_;
    my (%table, $rows);
    for my $line (split /\n/, $text) {
        if ($line =~ /^\| at \| bytes \| `(\w+)` \|/) {
            $rows = $table{$1} = [];
        } elsif ($rows && $line =~ /^\| (\d+) \| (\d+) \| `(\w+)` \|/) {
            push @$rows, [$1, $2, $3];
        } elsif ($line !~ /^\|---/) {
            undef $rows;
        }
    }
    return %table;
}

# What the compiler is to say yes to.
sub claims
{
    my ($struct, @rows) = @_;
    my ($end, @claims) = (0);
    for my $row (@rows) {
        my ($at, $bytes, $field) = @$row;
        push @claims,
            ["offsetof($struct, $field) == $at", "$struct.$field is at $at"],
            ["sizeof((($struct *)0)->$field) == $bytes",
                "$struct.$field has $bytes bytes"],
            ["$at == $end", "nothing lies before $struct.$field"];
        $end = $at + $bytes;
    }
    return (@claims, ["sizeof($struct) == $end", "$struct has $end bytes"]);
}

# The claims that do not hold, and what else the compiler does not like.
sub refused
{
    my @claims = @_;
    my @flags = map { s/'//gr } map { split ' ', make_var($_) }
        qw(CC SST_FLAGS);
    my $text = join '', (map { "#include \"$_\"\n" } @HEADERS),
        map { qq{_Static_assert($_->[0], "$_->[1]");\n} } @claims;
    chdir build() or die build() . ": $!\n";
    spew("format.$$.c", $text);
    my $said = qx(@flags -fsyntax-only format.$$.c 2>&1);
    unlink "format.$$.c";
    return $said =~ /error: (.*)/g;
}

my %table = tables(slurp($PAGE));
my %struct;
for my $header (@HEADERS) {
    $struct{$_}++ for grep { /_shm$/ || $header ne 'sst_layout.h' }
        slurp("shm_store/$header") =~ /^typedef struct (\w+) \{/mg;
}
delete @struct{keys %WORDS, 'sst_noted'};
cmp_ok(scalar keys %struct, '>', 10, 'the structs of the store are found');
is_deeply([sort keys %table], [sort keys %struct],
    'each struct has a table, and each table a struct');

my @claims = map { claims($_, @{$table{$_}}) } sort keys %table;
none("$PAGE says where each byte lies", refused(@claims));

# It would notice.
my @moved = refused(claims('sst_piece_shm', [0, 4, 'next'], [4, 4, 'len'],
    [12, 4, 'head']));
is(scalar @moved, 2, 'a field at another place is noticed, and the gap');
my @short = refused(claims('sst_piece_shm', [0, 4, 'next'], [4, 8, 'len']));
is(scalar @short, 2, 'another length is, and that bytes are left out');

done_testing();
