#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
use strict;
use warnings;

my $before = $ENV{SESSION_VAR_visits} // 0;

print "Session-Incr: visits=1\r\n";
print "Content-Type: text/plain\r\n\r\n";
print "Visits before this one: $before\n";
