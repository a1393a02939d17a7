# SPDX-License-Identifier: Apache-2.0
# What --help of a script says: the comment at its head.
package SxTest::Usage;
use strict;
use warnings;
use Exporter qw(import);

our @EXPORT = qw(usage);

sub usage
{
    open my $in, '<', $0 or die "$0: $!\n";
    while (my $line = <$in>) {
        last if $line !~ /^#/;
        print $line =~ s/^# ?//r unless $line =~ /^#!|SPDX/;
    }
    return;
}

1;
