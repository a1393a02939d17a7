# SPDX-License-Identifier: Apache-2.0
# A server with t/calls/mod_test_calls.so, and what its calls came to.
package SxTest::Calls;

use strict;
use warnings;

use Time::HiRes qw(sleep time);
use SxTest;

# Paths /X/calls/: its own handler, below any first component as elsewhere.
sub server
{
    my (%opt) = @_;
    my $module = SxTest::Paths::user_module('mod_test_calls')
        || die "t/calls/mod_test_calls.so is not built\n";
    my $conf = "LoadModule test_calls_module $module\n"
        . "<LocationMatch \"^/[^/]+/calls/\">\nSetHandler test-calls\n"
        . "</LocationMatch>\n" . (delete $opt{conf} // '');
    return SxTest::Server->new(scopes => 1, %opt, conf => $conf);
}

# The answer to a request with these calls, "HOOK CALL ARGUMENT...", and the
# result of each. They are in the log, some behind the end of the answer.
sub make
{
    my ($server, $b, $path, $calls, %how) = @_;
    my $mark = $server->log_mark;
    my %header = (%{ delete $how{header} || {} },
        'X-Calls' => join ';', @$calls);
    my $r = $b->request($how{method} || 'GET', $path, %how,
        header => \%header);
    my $end = time + 5;
    my @results;
    while (1) {
        my $log = $server->error_log_since($mark);
        @results = map { $log =~ /calls: \Q$_\E -> (.*)$/m ? $1 : undef }
            @$calls;
        last if time > $end || !grep { !defined } @results;
        sleep 0.02;
    }
    s/, referer: .*// for grep { defined } @results;
    return ($r, map { $_ // '(not called)' } @results);
}

1;
