# SPDX-License-Identifier: Apache-2.0
# PostfixAdmin, on an SQLite file: session_destroy() and session_start() in one
# request before each log-in, session_regenerate_id(true) at it, tokens in
# forms, messages for the next page, roles in an array.
package PhpApps::App::PostfixAdmin;
use strict;
use warnings;
use parent 'PhpApps::App';

sub name { return 'postfixadmin' }

sub install
{
    my ($self, $site, $dir) = @_;
    $site->tree('postfixadmin', 'postfixadmin');
    my $cache = "$dir/var/cache/postfixadmin/templates_c";
    system('mkdir', '-p', $cache) == 0 or die "$cache\n";
    $site->write('postfixadmin/data.db', '');
    # What Debian's installation would have written.
    $site->write('postfixadmin/etc/postfixadmin/dbconfig.inc.php', "<?php\n"
        . join '', map { "\$db$_ = '';\n" }
            qw(user pass name server port type));
    my %set = (configured => 'true', database_type => "'sqlite'",
        database_name => "'$dir/data.db'", encrypt => "'php_crypt:SHA512'",
        emailcheck_resolve_domain => "'NO'", default_language => "'en'",
        setup_password => "'none'");
    $site->write('postfixadmin/etc/postfixadmin/config.local.php', "<?php\n"
        . join '', map { "\$CONF['$_'] = $set{$_};\n" } sort keys %set);
    return $self->alias("$dir/usr/share/postfixadmin/public");
}

sub commands
{
    my ($self, $dir) = @_;
    my $at = "$dir/usr/share/postfixadmin";
    my $word = $PhpApps::App::PASSWORD;
    return (["$at/public/upgrade.php"], ["$at/scripts/postfixadmin-cli.php",
        'admin', 'add', 'alice@example.org', '--superadmin', 1,
        '--password', $word, '--password2', $word]);
}

sub log_in
{
    my ($self, $user, $password) = @_;
    $user->open('/postfixadmin/login.php');
    $user->form('submit', fUsername => 'alice@example.org',
        fPassword => $password);
    return;
}

sub visit
{
    my ($self, $user) = @_;
    my $at = '/postfixadmin';
    $user->step('before the log-in');
    $user->open("$at/main.php");
    $user->sees(qr/Mail admins login here/);
    $user->step('a wrong password');
    $self->log_in($user, 'wrong');
    $user->sees(qr/Your email address or password is not correct/);
    my $before = $user->thief;
    $user->step('log-in');
    $self->log_in($user, $PhpApps::App::PASSWORD);
    $user->sees(qr/Logged in as (\S+)/);
    $user->knows_nothing($before, "$at/main.php", qr/Logged in as/);
    $user->step('a domain');
    $user->open("$at/edit.php?table=domain");
    $user->form('submit', 'value[domain]' => 'hatter.example');
    $user->sees(qr/The domain (hatter\.example has been added)/);
    $user->step('the message is shown once');
    $user->open("$at/list.php?table=domain");
    $user->sees(qr/hatter\.example/);
    $user->lacks(qr/has been added/);
    $user->step('a form without its token');
    $user->open("$at/edit.php?table=domain");
    $user->form('submit', 'value[domain]' => 'hare.example', token => 'wrong');
    $user->sees(qr/Invalid token/);
    my $thief = $user->thief;
    $user->step('log-out');
    $user->open("$at/main.php");
    $user->follow(qr/login\.php/);
    $user->sees(qr/Mail admins login here/);
    $user->step('after the log-out');
    $user->open("$at/main.php");
    $user->lacks(qr/Logged in as/);
    $user->knows_nothing($thief, "$at/main.php", qr/Logged in as/);
    return;
}

1;
