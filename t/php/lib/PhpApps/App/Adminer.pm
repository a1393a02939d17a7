# SPDX-License-Identifier: Apache-2.0
# Adminer, on an SQLite file: a new id at log-in and log-out, a token in each
# form, messages and a history of commands in the session, which it closes early
# and opens again to write to it.
package PhpApps::App::Adminer;
use strict;
use warnings;
use parent 'PhpApps::App';

# SQLite has no passwords: Adminer lets nobody in but by a plug-in of its own.
my $INDEX = <<'END';
<?php
function adminer_object()
{
    require_once 'TREE/plugins/plugin.php';
    require_once 'TREE/plugins/login-password-less.php';
    return new AdminerPlugin([new AdminerLoginPasswordLess('HASH')]);
}
require 'TREE/adminer.php';
END

sub name { return 'adminer' }

# From where it is installed, if it is.
sub source
{
    my ($site, $dir) = @_;
    return '/usr/share/adminer' if -e '/usr/share/adminer/adminer.php';
    $site->tree('adminer', 'adminer/package');
    return "$dir/package/usr/share/adminer";
}

sub install
{
    my ($self, $site, $dir) = @_;
    mkdir $dir or die "$dir: $!\n";
    my %value = (TREE => source($site, $dir),
        HASH => crypt $PhpApps::App::PASSWORD, '$2y$04$' . 'a' x 22);
    $site->write('adminer/index.php', $INDEX =~ s/(TREE|HASH)/$value{$1}/gr);
    $site->write('adminer/data.db', '');
    $self->{database} = "$dir/data.db";
    return $self->alias($dir);
}

sub log_in
{
    my ($self, $user, $password) = @_;
    $user->form(undef, 'auth[driver]' => 'sqlite',
        'auth[username]' => 'alice', 'auth[password]' => $password,
        'auth[db]' => $self->{database});
    return;
}

sub visit
{
    my ($self, $user) = @_;
    my $at = "/adminer/index.php?sqlite=&username=alice&db=$self->{database}";
    $user->step('before the log-in');
    $user->open('/adminer/index.php');
    $user->sees(qr/Login/);
    $user->step('a wrong password');
    $self->log_in($user, 'wrong');
    $user->sees(qr/Database does not support password/);
    my $before = $user->thief;
    $user->step('log-in');
    $self->log_in($user, $PhpApps::App::PASSWORD);
    $user->sees(qr/No tables/);
    $user->knows_nothing($before, $at, qr/No tables|SQL command/);
    $user->step('a table');
    $user->open("$at&sql=");
    $user->form(undef, query =>
        'CREATE TABLE note (id INTEGER PRIMARY KEY, text TEXT)');
    $user->sees(qr/Query executed OK/);
    $user->step('a row');
    $user->open("$at&edit=note");
    $user->form('insert', 'fields[text]' => 'curiouser',
        'function[text]' => '');
    $user->sees(qr/Item[^.]* has been inserted/);
    $user->step('the message is shown once');
    $user->open("$at&select=note");
    $user->sees(qr/curiouser/);
    $user->lacks(qr/has been inserted/);
    $user->step('the history');
    $user->open("$at&sql=");
    $user->sees(qr/History/);
    $user->step('a form without its token');
    $user->form(undef, query => 'DROP TABLE note', token => '1:2');
    $user->sees(qr/Invalid CSRF token/);
    my $thief = $user->thief;
    $user->step('log-out');
    $user->open($at);
    $user->form('logout');
    $user->sees(qr/Logout successful/);
    $user->step('after the log-out');
    $user->open("$at&select=note");
    $user->lacks(qr/curiouser/);
    $user->knows_nothing($thief, "$at&select=note", qr/curiouser|SQL command/);
    return;
}

1;
