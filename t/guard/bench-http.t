#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# The benchmarks of requests and of restarts work: their short forms run, with each
# server, and no increment that was seen answered is missing.  What they measure
# here means nothing.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../lint", "$FindBin::Bin/../lib";
use Test::More;
use House;
use SxTest::Paths;

my $php = -e SxTest::Paths::php_extension();

local $ENV{SXTEST_BUILD} = build();
my $text = qx(sh '@{[top()]}/t/bench/run' --quick --rounds=1 \\
    --only='session_ext read[+]write\$' http graceful 2>&1);
is($?, 0, 'the short form of the benchmark runs') or diag $text;

# Of each server, what it measures.
my %of = (event => ['mod_session_ext'],
    prefork => ['mod_session_ext', $php ? 'PHP session_ext' : ()],
    'php-fpm' => [$php ? 'PHP session_ext' : ()]);
for my $server (sort keys %of) {
    my ($part) = $text =~ /^\Q$server\E:\n\n(.*?)(?=^\S+:\n|^Measured)/ms;
    my %row = map { $_->[0] => $_ }
        map { [split / *\| */, s/^\| *//r] } grep { /^\|/ } split /\n/,
        $part // '';
    for my $name (map { "$_ read+write" } @{$of{$server}}) {
        like($row{$name}[1] // '', qr/^\d+\.\d$/,
            "$server: $name has its figure");
        is($row{$name}[-1], 0, 'and no request failed');
    }
    next unless @{$of{$server}};
    like($part // '', qr/^\* $server, answered .* not in the store: 0$/m,
        "$server: what was answered is there");
}
like($text, qr/^\| ShmStore size=1g, [1-9]\d* sessions \|/m,
    'a store is filled and restarted');
like($text, qr/^\* a store of 1 GiB adds: -?\d+\.\d+ ms/m, 'which takes so long');
done_testing();
