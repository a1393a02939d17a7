# SPDX-License-Identifier: Apache-2.0
# DokuWiki, on plain files: who is logged in, the pages that were visited and
# messages for the next page in the session; tokens of forms and the log-in
# cookie made of the session's id.
package PhpApps::App::DokuWiki;
use strict;
use warnings;
use parent 'PhpApps::App';

sub name { return 'dokuwiki' }

sub install
{
    my ($self, $site, $dir) = @_;
    $site->tree('dokuwiki', 'dokuwiki');
    my $etc = 'dokuwiki/etc/dokuwiki';
    unlink "$site->{dir}/$etc/$_" for qw(users.auth.php acl.auth.php);
    $site->write("$etc/local.php", "<?php\n" . join '',
        map { "\$conf$_;\n" } "['title'] = 'Wiki'", "['useacl'] = 1",
        "['superuser'] = '\@admin'", "['updatecheck'] = 0",
        "['savedir'] = '$dir/var/lib/dokuwiki/data'");
    my $hash = crypt $PhpApps::App::PASSWORD, '$1$abcdefgh';
    $site->write("$etc/users.auth.php",
        "alice:$hash:Alice Liddell:alice\@example.org:admin,user\n");
    $site->write("$etc/acl.auth.php", "*\t\@ALL\t1\n*\t\@user\t8\n");
    return $self->alias("$dir/usr/share/dokuwiki");
}

sub log_in
{
    my ($self, $user, $password) = @_;
    $user->open('/dokuwiki/doku.php?id=start&do=login');
    $user->form(undef, u => 'alice', p => $password);
    return;
}

sub visit
{
    my ($self, $user) = @_;
    my $page = '/dokuwiki/doku.php?id';
    $user->step('before the log-in');
    $user->open("$page=start");
    $user->lacks(qr/Logged in as/);
    $user->step('a wrong password');
    $self->log_in($user, 'wrong');
    $user->sees(qr/Sorry, username or password was wrong/);
    my $before = $user->thief;
    $user->step('log-in');
    $self->log_in($user, $PhpApps::App::PASSWORD);
    $user->sees(qr/Logged in as: *Alice Liddell/);
    $user->knows_nothing($before, "$page=start", qr/Logged in as/);
    $user->step('a page');
    $user->open("$page=hole:rabbit&do=edit");
    $user->form('do[save]', wikitext => 'Down the rabbit-hole',
        summary => 'a hole');
    $user->sees(qr/Down the rabbit-hole/);
    $user->step('pages that were visited');
    $user->open("$page=hole:garden");
    $user->sees(qr/Trace:\W*(?:start\W+)?(rabbit)\b/);
    $user->step('a form without its token');
    $user->open("$page=hole:rabbit&do=edit");
    $user->form('do[save]', wikitext => 'nobody asked', sectok => 'wrong');
    $user->sees(qr/Security Token did not match/);
    $user->step('a message for the page after a redirect');
    $user->open("$page=start&do=profile");
    $user->form(undef, fullname => 'Alice Pleasance',
        oldpass => $PhpApps::App::PASSWORD);
    $user->sees(qr/User profile successfully updated/);
    $user->step('the message is shown once');
    $user->open("$page=hole:rabbit");
    $user->sees(qr/Logged in as: *Alice Pleasance/);
    $user->lacks(qr/profile successfully updated/);
    my $thief = $user->thief;
    $user->step('log-out');
    $user->follow(qr/do=logout/);
    $user->lacks(qr/Logged in as/);
    $user->step('after the log-out');
    $user->open("$page=hole:rabbit&do=edit");
    $user->lacks(qr/Logged in as/);
    return;
}

1;
