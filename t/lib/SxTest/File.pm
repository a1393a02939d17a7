# SPDX-License-Identifier: Apache-2.0
# A whole file, read or written, byte for byte; or an end that names it.
package SxTest::File;

use strict;
use warnings;

use Exporter qw(import);

our @EXPORT_OK = qw(slurp spew);

sub slurp
{
    my ($file) = @_;
    open my $in, '<:raw', $file or die "$file: $!\n";
    local $/ = undef;
    return readline($in) // '';
}

# Returns the name.  A mode, if one is said, is given to a file that was there,
# too.
sub spew
{
    my ($file, $bytes, $mode) = @_;
    open my $out, '>:raw', $file or die "$file: $!\n";
    print $out $bytes;
    close $out or die "$file: $!\n";
    !defined $mode or chmod $mode, $file or die "$file: $!\n";
    return $file;
}

1;
