# SPDX-License-Identifier: Apache-2.0
# A private httpd whose PHP has our extension: $_SESSION is on in /p/, where
# run.php is the script of whoever posts one.
package SxTest::Php;

use strict;
use warnings;

use Exporter qw(import);
use SxTest::Server;

our @EXPORT_OK = qw(server script $SCOPE);

our $SCOPE = <<'CONF';
<Location "/p/">
    SessionExt On
    SessionExtPHP On
</Location>
CONF

# Further lines of the configuration, and options of SxTest::Server.
sub server
{
    my ($more, %opt) = @_;
    return SxTest::Server->new(scopes => 1, php_ini => '',
        conf => $SCOPE . ($more // ''), %opt)->start;
}

# The answer to a script; at: of another scope than /p.
sub script
{
    my ($b, $code, %opt) = @_;
    my $at = delete $opt{at} // '/p';
    return $b->post("$at/php/run.php", content => $code, %opt);
}

1;
