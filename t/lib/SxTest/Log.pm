# SPDX-License-Identifier: Apache-2.0
# A growing error log: what was written after a mark, and whether anything in
# it says that a process died by its own fault.
package SxTest::Log;

use strict;
use warnings;

# Killed (9) is missing on purpose: tests do that.  So is the line that announces
# a sanitizer's report: the report itself goes to a file and is judged there.
my $FATAL = qr/exit\ signal\ (?!Killed|Terminated)
    |Sanitizer:(?!DEADLYSIGNAL)|runtime\ error:|AH00050|Assertion.*failed/x;

sub mark
{
    my ($file) = @_;
    return (-s $file) || 0;
}

sub since
{
    my ($file, $mark) = @_;
    open my $in, '<', $file or return '';
    seek $in, $mark || 0, 0;
    local $/;
    my $text = <$in>;
    return defined $text ? $text : '';
}

sub fatal
{
    my ($text) = @_;
    return grep { $_ =~ $FATAL } split /\n/, $text;
}

1;
