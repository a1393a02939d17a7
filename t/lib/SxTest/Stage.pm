# SPDX-License-Identifier: Apache-2.0
# A copy of what a server of the tests needs, owned by the unprivileged test
# user: the source tree may be closed to that user, and stays clean.
package SxTest::Stage;

use strict;
use warnings;

use Cwd qw(abs_path);
use File::Path qw(remove_tree);
use File::Temp qw(tempdir);
use SxTest::Paths;

# Unit tests and benchmarks are C; the rest of t/ may be wanted by a test.
my %LEFT_OUT = map { $_ => 1 } qw(unit bench fuzz lint guard logs);

sub new
{
    my ($class, $mpm) = @_;
    my $module = SxTest::Paths::module();
    die "$module is not built\n" unless -e $module;
    my $top = tempdir("sxt-$mpm-XXXXXX", DIR => SxTest::Paths::scratch_root());
    my $self = bless { top => $top, mpm => $mpm }, $class;
    chmod 0755, $top;
    mkdir "$top/t";
    mkdir "$top/mod_session_ext";
    my $src = SxTest::Paths::top_dir();
    my @t = grep { !$LEFT_OUT{ (split m{/}, $_)[-1] } } glob "$src/t/*";
    _copy("$top/t", @t);
    _copy($top, grep { -e } map { "$src/$_" } qw(conf docs README.md));
    $self->_copy_built;
    $self->_give_away unless $>;
    return $self;
}

sub top    { return $_[0]{top} }
sub module { return "$_[0]{top}/mod_session_ext/mod_session_ext.so" }

sub _copy
{
    my ($to, @from) = @_;
    return unless @from;
    system('cp', '-RP', @from, $to) == 0 or die "cannot copy to $to\n";
    return;
}

sub _copy_built
{
    my ($self) = @_;
    my $module = SxTest::Paths::module();
    system('cp', $module, $self->module) == 0 or die "cannot copy $module\n";
    my $next = SxTest::Paths::next_module();
    mkdir "$self->{top}/next";
    _copy("$self->{top}/next", $next) if -e $next;
    my @users = grep { -e } map { SxTest::Paths::user_module($_) }
        SxTest::Paths::user_modules();
    _copy("$self->{top}/mod_session_ext", @users);
    my $php = SxTest::Paths::php_extension();
    mkdir "$self->{top}/mod_session_ext/php";
    _copy("$self->{top}/mod_session_ext/php", grep { -e } $php,
        SxTest::Paths::top_dir() . '/mod_session_ext/php/session_ext.stub.php');
    my $tool = SxTest::Paths::build_dir() . '/mod_session_ext/htsession';
    _copy("$self->{top}/mod_session_ext", $tool) if -x $tool;
    return;
}

sub _give_away
{
    my ($self) = @_;
    my $who = SxTest::Paths::test_user();
    system('chown', '-RP', "$who->{uid}:$who->{gid}", $self->{top}) == 0
        or die "chown $self->{top}\n";
    system('chmod', '-R', 'u+rwX,a+rX', $self->{top});
    return;
}

sub remove
{
    my ($self) = @_;
    remove_tree($self->{top}) unless $ENV{SXTEST_KEEP};
    return;
}

1;
