# SPDX-License-Identifier: Apache-2.0
# What a long run is at, for somebody who watches it.
package SxTest::Progress;
use strict;
use warnings;
use Exporter qw(import);

our @EXPORT = qw(progress);

my $begin = time;

sub progress
{
    my ($what) = @_;
    return unless -t STDERR;
    printf STDERR "%4d s  %s\n", time - $begin, $what;
    return;
}

1;
