# SPDX-License-Identifier: Apache-2.0
# The handlers of sessions that are compared: what PHP and httpd are told, and
# how one sees that it was that handler.  DIR stands for a directory of the
# server's, GROUP for the group of PHP's processes.
package PhpApps::Handler;
use strict;
use warnings;
use Php::Ours;

my $FILES = "session.save_handler = files\nsession.save_path = DIR/sessions\n";
my $OURS = <<'END';
ShmStore sessions size=16m file=DIR/state/sessions.shm group=GROUP
SessionExtKeyFile DIR/state/session_ext.keys
<Location "/">
    SessionExt On
    SessionExtPHP On
</Location>
END

my %HANDLER = (
    files => {ini => sub { return $FILES }, check => \&files},
    session_ext => {ini => sub { return Php::Ours::ini('DIR/state') },
        conf => $OURS, set_up => \&Php::Ours::make_keys,
        check => \&session_ext},
);

# {name, ini => lines, conf => lines if it needs the module, set_up and check}
sub of
{
    my ($name) = @_;
    my $handler = $HANDLER{$name} or die "no handler '$name': "
        . join(', ', sort keys %HANDLER) . "\n";
    return {%$handler, name => $name, ini => $handler->{ini}->()};
}

# ---- was it this one? --------------------------------------------------------

sub files
{
    my ($site) = @_;
    return ('no session is a file') x !$site->session_files;
}

# Nothing of PHP's own, and a cookie of httpd's.
sub session_ext
{
    my ($site, $seen) = @_;
    my @wrong = ('a session is a file') x !!$site->session_files;
    for my $app (sort keys %$seen) {
        my @names = @{$seen->{$app}{cookies} // next};
        push @wrong, "$app has no cookie of httpd's: @names"
            unless grep { $_ eq 'sid' } @names;
    }
    return @wrong;
}

1;
