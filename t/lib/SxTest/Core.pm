# SPDX-License-Identifier: Apache-2.0
# Whose fault a crash was, by the core that it left. httpd 2.4's event MPM may
# close sockets of a pool that is gone when a child ends: a crash without a
# frame of ours is shown and is not our failure. Without a core, or without gdb
# to read it, every crash is.
package SxTest::Core;

use strict;
use warnings;

use SxTest::Paths;

my $OURS   = qr/mod_session_ext|\b(?:mod_)?sx_\w|\bsst_\w|\bshm_store/;
my $THEIRS = qr/^\#\d+ .*\b(?:apr_|ap_|mpm_|mod_\w+\.so|libapr)/m;

# The lines of an error log that stay, of those which say that a child crashed
# and wrote its core to this directory, its ServerRoot; and what to show of the
# others. A server that root started writes none: its children may not be looked
# into, and that is right.
sub judge
{
    my ($dir, @lines) = @_;
    my @cores = glob "$dir/core*";
    my @shown;
    return ([], @lines) if !@cores;
    my @stay = grep { !/possible coredump/ } @lines;
    return ([], @lines) if @lines - @stay > @cores;
    for my $core (@cores) {
        my $trace = _trace($core);
        return (["$trace"], @lines)
            if $trace =~ $OURS || $trace !~ $THEIRS;
        push @shown, $trace;
        unlink $core;
    }
    return (\@shown, @stay);
}

# The frames of the thread that crashed; gdb begins with it.
sub _trace
{
    my ($core) = @_;
    my $httpd = SxTest::Paths::httpd();
    my @said = `gdb -nx -batch -ex bt '$httpd' '$core' 2>/dev/null`;
    my %seen;
    return join '', grep { /^#\d+ / && !$seen{$_}++ } @said;
}

1;
