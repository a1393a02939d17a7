#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# The contract suite of stores, and what the database backend has beside it, on a
# PostgreSQL and a MariaDB that are started here; SQLite, which needs no server,
# is among the backends of the C tests themselves.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../lint", "$FindBin::Bin/../lib";
use File::Basename qw(basename);
use Test::More;
use House;
use SxTest::Database;
use SxTest::Log;

my @PROGRAMS = split ' ', make_var('stores');
my %NAME = (pgsql => 'PostgreSQL', mysql => 'MariaDB');
# What statements are counted by, and a log that not every statement goes into.
my %MORE = (pgsql => ['-c', 'shared_preload_libraries=pg_stat_statements'],
    mysql => ['--log-bin=binlog']);

# What a program says, and whether it has passed.
sub program
{
    my ($name) = @_;
    my $file = build() . "/$name";
    open my $out, '-|', 'timeout', $ENV{SXTEST_LONG} ? 3600 : 300, $file
        or die "$file: $!\n";
    my @said = <$out>;
    my $passed = close $out;
    return ($passed && (grep { /^ok / } @said)
            && !(grep { /^(?:not ok|Bail out)|# SKIP/ } @said), @said);
}

for my $kind (sort keys %NAME) {
    my $database = SxTest::Database->new($kind, @{$MORE{$kind}});
    local @ENV{qw(SXTEST_BACKEND SXTEST_PARAMS SXTEST_POOR)} =
        ($kind, $database->params, $database->poor);
    for my $name (@PROGRAMS) {
        my ($passed, @said) = program($name);
        ok($passed, basename($name) . ", on $NAME{$kind}")
            or diag(grep { !/^ok / } @said);
    }
    # The C tests put these words into records, and nowhere else.
    my $log = SxTest::Log::since($database->dir . "/$kind.log", 0);
    like($log, qr/\w/, "$NAME{$kind} has kept a log");
    unlike($log, qr/geheim-4711|a value to be spoiled|some value/,
        'which holds no value of a record');
    $database->stop;
}

done_testing();
