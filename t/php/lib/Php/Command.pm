# SPDX-License-Identifier: Apache-2.0
# Commands whose output goes to a log.
package Php::Command;
use strict;
use warnings;
use Exporter qw(import);
use POSIX qw(_exit);

our @EXPORT = qw(command);

# In DIR if one is given: {dir => DIR}.  True if it ended with 0.
sub command
{
    my ($log, @command) = @_;
    my $opt = ref $command[0] ? shift @command : {};
    defined(my $pid = fork) or die "fork: $!\n";
    if (!$pid) {
        open STDIN, '<', '/dev/null' or _exit(127);
        open STDOUT, '>>', $log or _exit(127);
        open STDERR, '>&', \*STDOUT or _exit(127);
        !$opt->{dir} or chdir $opt->{dir} or _exit(127);
        exec { $command[0] } @command or _exit(127);
    }
    waitpid $pid, 0;
    return $? == 0;
}

1;
