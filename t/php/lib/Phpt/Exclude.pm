# SPDX-License-Identifier: Apache-2.0
# The list of PHP's tests that do not apply to our handler, and why: the file
# says what its lines mean.
package Phpt::Exclude;
use strict;
use warnings;

our %KIND = map { $_ => 1 } qw(alias cookie files id late php text url);

# (\%row by name: {kind, why}, faults of the file itself)
sub read_list
{
    my ($file) = @_;
    open my $in, '<', $file or die "$file: $!\n";
    my (%row, @faults, $last);
    while (my $line = <$in>) {
        next if $line =~ /^\s*(?:#|$)/;
        my $at = "$file:$.";
        my ($name, $kind, $why) = $line =~ /^(\S+) +(\S+) +(\S.*?)\s*$/
            or push @faults, "$at: not NAME KIND REASON" and next;
        push @faults, "$at: no kind: $kind" unless $KIND{$kind};
        push @faults, "$at: $name stands twice" if $row{$name};
        push @faults, "$at: $name is not in order"
            if defined $last && $name lt $last;
        $last = $name;
        $row{$name} = {kind => $kind, why => $why};
    }
    return (\%row, @faults);
}

1;
