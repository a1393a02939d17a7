# SPDX-License-Identifier: Apache-2.0
# An application and what somebody does with it, from log-in to log-out.  Each
# brings name, install (its files; returns directives for httpd) and visit, the
# script, which dies where the application does not do what it should.
package PhpApps::App;
use strict;
use warnings;

# Passwords of alice, who may do anything, everywhere.
our $PASSWORD = 'Wonder-land-42';

sub new { return bless {}, $_[0] }

# Arguments of php, one list a command, run before the servers start.
sub commands { return }

# Directives for an application below /NAME/.
sub alias
{
    my ($self, $dir) = @_;
    return sprintf "Alias \"/%s\" \"%s\"\n", $self->name, $dir;
}

1;
