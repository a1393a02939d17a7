# SPDX-License-Identifier: Apache-2.0
# A php-fpm of our own on a unix socket, found again and stopped by its pid
# file, because the process that starts it (t/TEST) ends before the tests.
package SxTest::Fpm;

use strict;
use warnings;

use Time::HiRes qw(sleep time);
use SxTest::Paths;

# dir: where socket, pid and log go; children: how many (8); ini: a php.ini of
# its own; user, group: only when started by root.
sub new
{
    my ($class, %opt) = @_;
    return bless { %opt, socket => "$opt{dir}/fpm.sock",
        pid_file => "$opt{dir}/fpm.pid" }, $class;
}

sub socket { return $_[0]{socket} }

sub _user_lines
{
    my ($self) = @_;
    return '' if $>;
    return "user = $self->{user}\ngroup = $self->{group}\n"
        . "listen.owner = $self->{user}\nlisten.group = $self->{group}";
}

sub _write_config
{
    my ($self) = @_;
    my %value = (
        PID => $self->{pid_file}, SOCKET => $self->{socket},
        LOG => "$self->{dir}/fpm.log", USER => $self->_user_lines,
        CHILDREN => $self->{children} || 8);
    my $from = SxTest::Paths::t_dir() . '/conf/php-fpm.tmpl';
    my $to = "$self->{dir}/php-fpm.conf";
    open my $in, '<', $from or die "$from: $!\n";
    my $text = join '', <$in>;
    $text =~ s/\@([A-Z]+)\@/$value{$1}/g;
    open my $out, '>', $to or die "$to: $!\n";
    print $out $text;
    close $out or die "$to: $!\n";
    return $to;
}

sub pid
{
    my ($self) = @_;
    open my $in, '<', $self->{pid_file} or return undef;
    my $line = <$in>;
    return defined $line && $line =~ /^(\d+)/ ? $1 : undef;
}

sub start
{
    my ($self) = @_;
    my $program = SxTest::Paths::fpm() or return 0;
    my $config = $self->_write_config;
    my $ini = $self->{ini} ? "-c $self->{ini}" : '';
    # Our extension may want a sanitizer's library to be there first.
    my $preload = $self->{ini} ? join ' ', SxTest::Paths::preload() : '';
    system("$preload $program $ini -y $config 2>>$self->{dir}/fpm.log") == 0
        or die "php-fpm does not start, see $self->{dir}/fpm.log\n";
    my $end = time + 10;
    until (-S $self->{socket} && $self->pid) {
        die "php-fpm made no socket in 10 s\n" if time > $end;
        sleep 0.01;
    }
    return 1;
}

# Dead but not yet reaped counts as gone: its new parent, process 1, may take
# seconds to notice in a container.
sub _runs
{
    my ($pid) = @_;
    open my $in, '<', "/proc/$pid/stat" or return 0;
    my $line = <$in>;
    return defined $line && $line !~ /\) Z /;
}

sub stop
{
    my ($self) = @_;
    my $pid = $self->pid or return;
    kill TERM => $pid;
    my $end = time + 5;
    sleep 0.01 while _runs($pid) && time < $end;
    kill KILL => $pid if _runs($pid);
    unlink $self->{pid_file}, $self->{socket};
    return;
}

1;
