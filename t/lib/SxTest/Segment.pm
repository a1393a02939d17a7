# SPDX-License-Identifier: Apache-2.0
# A store's file as the tool sees it: is it sound, and what does it count?
package SxTest::Segment;

use strict;
use warnings;

use File::Basename qw(dirname);
use SxTest::Paths;

# Beside the module, in the build and in a stage.
sub tool
{
    return $ENV{SXTEST_HTSESSION}
        || dirname(SxTest::Paths::module()) . '/htsession';
}

sub _run
{
    my ($command, $file) = @_;
    my $tool = tool();
    -x $tool or return (127, "$tool is not built\n");
    open my $out, '-|', "'$tool' $command '$file' 2>&1" or die "$tool: $!\n";
    my $text = do { local $/; readline $out };
    close $out;
    return ($? >> 8, defined $text ? $text : '');
}

# A function that says which threads hold a lock of a shard right now. It looks
# where the layout has these words: the owner's thread id is in a robust mutex.
sub holders
{
    my ($file) = @_;
    open my $in, '<:raw', $file or die "$file: $!\n";
    sysread $in, my ($head), 4096;
    # Shard headers fill what lies between their area and the next one.
    my ($offset, $end) = unpack 'x40 Q< Q<', $head;
    my ($shards) = unpack 'x84 L<', $head;
    my $stride = ($end - $offset) / $shards;
    return sub {
        sysseek $in, $offset, 0;
        sysread $in, my ($bytes), $shards * $stride;
        return grep { $_ } map {
            unpack("x$_ L<", $bytes) & 0x3fff_ffff
        } map { $_ * $stride } 0 .. $shards - 1;
    };
}

# The empty string if every record, chunk and counter of it is right; else why
# not. As the server's user: the file is closed to others.
sub fault
{
    my ($file) = @_;
    my ($status, $text) = _run('check', $file);
    return $status ? "exit status $status: $text" : '';
}

# A counter of the store, by its name.
sub counter
{
    my ($file, $name) = @_;
    my ($status, $text) = _run('stats', $file);
    return $text =~ /^\s*\Q$name\E\b\D*(\d+)/m ? $1 : undef;
}

1;
