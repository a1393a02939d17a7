# SPDX-License-Identifier: Apache-2.0
# Runs htsession as built, and finds the store of a server.
package SxTest::Tool;

use strict;
use warnings;

use Exporter qw(import);
use File::Basename qw(dirname);
use File::Temp qw(tempfile);
use POSIX ();
use SxTest::File qw(slurp);
use SxTest::Paths;

our @EXPORT_OK = qw(tool tool_fed segment_of);

# (exit status, standard output, standard error); 128 + signal if killed.
sub tool
{
    return _tool('/dev/null', @_);
}

# The same with a text on standard input.
sub tool_fed
{
    my ($text, @args) = @_;
    my ($in, $file) = tempfile('sxt-XXXXXX', TMPDIR => 1);
    binmode $in;
    print $in $text;
    close $in or die "$file: $!\n";
    my @said = _tool($file, @args);
    unlink $file;
    return @said;
}

sub _tool
{
    my ($stdin, @args) = @_;
    my @command = (dirname(SxTest::Paths::module()) . '/htsession', @args);
    my @files = map { (tempfile('sxt-XXXXXX', TMPDIR => 1))[1] } 1, 2;
    defined(my $pid = fork) or die "fork: $!\n";
    if (!$pid) {
        open STDIN,  '<', $stdin;
        open STDOUT, '>', $files[0];
        open STDERR, '>', $files[1];
        exec { $command[0] } @command or POSIX::_exit(127);
    }
    waitpid $pid, 0;
    my $status = $? & 127 ? 128 + ($? & 127) : $? >> 8;
    my @said = map { slurp($_) } @files;
    unlink @files;
    return ($status, @said);
}

# The file of the one store of a server that has been started.
sub segment_of
{
    my ($server) = @_;
    my ($file) = grep { -f && (stat)[7] >= 1 << 20 }
        glob $server->runtime_dir . '/*';
    die 'no segment in ' . $server->runtime_dir . "\n" unless $file;
    return $file;
}

1;
