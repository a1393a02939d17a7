# SPDX-License-Identifier: Apache-2.0
# Key files of private servers.
package SxTest::Keys;

use strict;
use warnings;

use MIME::Base64 qw(encode_base64);

# A line with a fresh key of this kid.
sub line
{
    my ($kid) = @_;
    open my $in, '<:raw', '/dev/urandom' or die "urandom: $!\n";
    read $in, my $bytes, 32;
    return "$kid:" . encode_base64($bytes, '') . "\n";
}

# Puts the file there in one step, as one should.
sub put
{
    my ($file, $text, $mode) = @_;
    open my $out, '>', "$file.new" or die "$file: $!\n";
    print $out $text;
    close $out or die "$file: $!\n";
    chmod $mode || 0600, "$file.new";
    rename "$file.new", $file or die "$file: $!\n";
    return;
}

1;
