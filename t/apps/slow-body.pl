#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# A redirect that sets a key and sends its head and half of its body, then
# waits for the file NAME.go of wait=NAME before the rest.
use strict;
use warnings;

my ($name) = ($ENV{QUERY_STRING} || '') =~ /(?:^|&)wait=([\w-]+)/;
my $base = "$ENV{SXTEST_BARRIERS}/$name";
$| = 1;
print "Status: 302 Found\r\nLocation: /s/cgi/app\r\nSession-Set: cart=3\r\n",
    "Content-Type: text/plain\r\n\r\n", "begin of the body\n" x 1000;
for (1 .. 1500) {
    last if -e "$base.go";
    select undef, undef, undef, 0.01;
}
open my $done, '>', "$base.done" or die "$base.done: $!";
close $done;
print "end of the body\n";
