# SPDX-License-Identifier: Apache-2.0
# A private httpd with mod_session and mod_auth_form, whose sessions are ours:
# /open/ has sessions, /form/ asks for a log-in as ann or bob with $PASSWORD,
# /form/login and /form/logout are mod_auth_form's handlers.
package SxTest::ModSession;

use strict;
use warnings;

use Digest::SHA qw(sha1);
use Exporter qw(import);
use MIME::Base64 qw(encode_base64);
use SxTest::Server;

our @EXPORT_OK = qw(on form server log_in $PASSWORD);
our $PASSWORD = 'Tr0ub4dor';

# The lines of a scope whose mod_session is ours.
sub on
{
    return join "\n", 'SessionExt On', 'SessionExtProvideModSession On',
        'Session On', @_, '';
}

# Those of a scope that asks for a log-in.
sub form
{
    my @more = @_;
    return join "\n", 'AuthType Form', 'AuthName Shop',
        'AuthFormProvider file', 'AuthUserFile passwords', @more, '';
}

sub _conf
{
    my ($more) = @_;
    my ($open, $form) = (on(), on(form('Require valid-user')));
    return <<"EOF";
<Location "/open/">
$open</Location>
<Location "/form/">
$form</Location>
<Location "/form/login">
    SetHandler form-login-handler
    Require all granted
</Location>
<Location "/form/logout">
    SetHandler form-logout-handler
    AuthFormLogoutLocation /bye
    Require all granted
</Location>
$more
EOF
}

# Further lines of the configuration, and options of SxTest::Server.
sub server
{
    my ($more, %opt) = @_;
    my $s = SxTest::Server->new(more => [qw(session auth_form)], %opt);
    my $file = $s->root . '/passwords';
    open my $out, '>', $file or die "$file: $!\n";
    print $out map { "$_:{SHA}" . encode_base64(sha1($PASSWORD), '') . "\n" }
        qw(ann bob);
    close $out or die "$file: $!\n";
    chmod 0644, $file;
    return $s->write_conf(_conf($more // ''));
}

# The answer to a log-in form; further fields of it.
sub log_in
{
    my ($b, $user, %opt) = @_;
    my %field = (httpd_username => $user, httpd_password => $PASSWORD,
        %{ $opt{field} || {} });
    return $b->post($opt{path} || '/form/login',
        header => { 'Content-Type' => 'application/x-www-form-urlencoded' },
        content => join '&', map { "$_=$field{$_}" } sort keys %field);
}

1;
