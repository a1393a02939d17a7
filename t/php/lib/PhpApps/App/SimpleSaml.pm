# SPDX-License-Identifier: Apache-2.0
# SimpleSAMLphp, its log-in with a password: the state of a log-in under way and
# then the whole session, an object, in one key; ids and cookies that it reads
# and sets by itself.
package PhpApps::App::SimpleSaml;
use strict;
use warnings;
use SxTest::File qw(slurp);
use parent 'PhpApps::App';

sub name { return 'simplesamlphp' }

sub install
{
    my ($self, $site, $dir) = @_;
    $site->tree('simplesamlphp', 'simplesamlphp');
    my $etc = 'simplesamlphp/etc/simplesamlphp';
    mkdir "$dir/$_" or die "$dir/$_: $!\n" for qw(log data);
    my $text = slurp("$site->{dir}/$etc/config.php");
    $text =~ s{^ *'(loggingdir|datadir|tempdir)' =>.*\n}{}mg;
    my %set = (secretsalt => 'abcdefghijklmnopqrstuvwxyz',
        'auth.adminpassword' => $PhpApps::App::PASSWORD,
        loggingdir => "$dir/log/", datadir => "$dir/data/",
        tempdir => "$dir/data", 'logging.handler' => 'file');
    # What Debian's installation would have written.
    $site->write('simplesamlphp/var/lib/simplesamlphp/secrets.inc.php',
        "<?php\n");
    my $set = join '', map { "\$config['$_'] = '$set{$_}';\n" } sort keys %set;
    $site->write("$etc/config.php",
        "$text\n$set\$config['module.enable']['exampleauth'] = true;\n"
            . "\$config['session.cookie.secure'] = false;\n"
            . "\$config['session.cookie.samesite'] = 'Lax';\n");
    $site->write("$etc/authsources.php", <<"END");
<?php
\$config = ['admin' => ['core:AdminPassword'], 'users' => [
    'exampleauth:UserPass', 'alice:$PhpApps::App::PASSWORD' => [
        'uid' => ['alice'], 'displayName' => ['Alice Liddell']]]];
END
    return $self->alias("$dir/usr/share/simplesamlphp/www");
}

sub log_in
{
    my ($self, $user, $password) = @_;
    $user->form(undef, username => 'alice', password => $password);
    return;
}

sub visit
{
    my ($self, $user) = @_;
    my $at = '/simplesamlphp/module.php/core/authenticate.php?as=users';
    $user->step('before the log-in');
    $user->open($at);
    $user->sees(qr/Enter your username and password/);
    $user->step('a wrong password');
    $self->log_in($user, 'wrong');
    $user->sees(qr/Incorrect username or password/);
    my $before = $user->thief;
    $user->step('log-in');
    $self->log_in($user, $PhpApps::App::PASSWORD);
    $user->sees(qr/(Alice Liddell)/);
    $user->step('the next page');
    $user->open($at);
    $user->sees(qr/(Alice Liddell)/);
    my $thief = $user->thief;
    # Who has no second cookie is given another id for the session of the first:
    # on files there are two sessions then, and the old one goes on.
    $user->knows_nothing($before, $at, qr/Alice Liddell/);
    $user->step('log-out');
    $user->follow(qr/logout/);
    $user->lacks(qr/Alice Liddell/);
    $user->step('after the log-out');
    $user->open($at);
    $user->sees(qr/Enter your username and password/);
    $user->knows_nothing($thief, $at, qr/Alice Liddell/);
    return;
}

1;
