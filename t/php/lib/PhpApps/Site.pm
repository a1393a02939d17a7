# SPDX-License-Identifier: Apache-2.0
# A private httpd with PHP and freshly set-up applications in it: mod_php under
# prefork, php-fpm under event.  Sessions are kept by one handler.
package PhpApps::Site;
use strict;
use warnings;
use File::Path qw(remove_tree);
use File::Temp qw(tempdir);
use SxTest::Daemon;
use SxTest::Paths;
use SxTest::Server;
use SxTest::File qw(spew);
use PhpApps::Debian;

my %MPM = (mod_php => 'prefork', fpm => 'event');

# apps     objects of PhpApps::App::*     sapi  mod_php or fpm
# handler  {name, ini => lines for PHP, conf => lines for httpd or none}, where
#          DIR is a directory that only the servers can read
# build    where packages are unpacked
sub new
{
    my ($class, %self) = @_;
    my $self = bless {%self}, $class;
    my $dir = $self->{dir} = tempdir('sxt-apps-XXXXXX',
        DIR => SxTest::Paths::scratch_root(),
        CLEANUP => !$ENV{SXTEST_KEEP});
    chmod 0755, $dir;
    mkdir "$dir/$_" or die "$dir: $!\n"
        for qw(ini sessions setup tmp chromium state);
    my $handler = $self->{handler};
    $self->write('ini/apps.ini', $self->filled($handler->{ini})
            . "upload_tmp_dir = $dir/tmp\ndisplay_errors = Off\n"
            . "log_errors = On\nerror_reporting = E_ALL & ~E_DEPRECATED\n");
    my $conf = $self->filled($handler->{conf} // '');
    $conf .= $_->install($self, "$dir/" . $_->name) for @{$self->{apps}};
    $self->give_away;
    $handler->{set_up}->("$dir/state") if $handler->{set_up};
    # Whom root starts reads it, too; the empty part stands for PHP's own files.
    local $ENV{PHP_INI_SCAN_DIR} = ":$dir/ini";
    $self->{server} = SxTest::Server->new(mpm => $MPM{$self->{sapi}}, php => 1,
        start => 4, module => defined $handler->{conf} ? 1 : 0,
        conf => "LogLevel warn\nDirectoryIndex index.php\n$conf");
    $self->prepare($_) for @{$self->{apps}};
    $self->{server}->start;
    return $self;
}

sub port { return $_[0]{server}->port }

# With the names that a handler's lines have for what is known only here.
sub filled
{
    my ($self, $text) = @_;
    my ($gid) = $> ? split ' ', $) : SxTest::Paths::test_user()->{gid};
    my %value = (DIR => $self->{dir}, GROUP => scalar getgrgid $gid);
    return $text =~ s/\b(DIR|GROUP)\b/$value{$1}/gr;
}

sub write
{
    my ($self, $name, $text) = @_;
    spew("$self->{dir}/$name", $text);
    return;
}

sub tree
{
    my ($self, $package, $name) = @_;
    my $tree = PhpApps::Debian::tree($self->{build}, $package);
    return PhpApps::Debian::place($tree, "$self->{dir}/$name", $package);
}

sub give_away
{
    my ($self) = @_;
    return if $>;
    my $who = SxTest::Paths::test_user();
    my @theirs = map { "$self->{dir}/$_" } qw(sessions setup tmp chromium),
        map { $_->name } @{$self->{apps}};
    system('chown', '-R', "$who->{uid}:$who->{gid}", @theirs) == 0
        or die "chown @theirs\n";
    chmod 0700, map { "$self->{dir}/$_" } qw(sessions chromium);
    return;
}

# What an application wants to be run once, with sessions of its own.
sub prepare
{
    my ($self, $app) = @_;
    my $n = 0;
    SxTest::Daemon->run(name => $app->name . ++$n, dir => $self->{dir},
        command => ['php', '-d', 'session.save_handler=files', '-d',
            "session.save_path=$self->{dir}/setup", @$_])
        for $app->commands("$self->{dir}/" . $app->name);
    return;
}

# Files of handler files; on another one there are none.
sub session_files
{
    my ($self) = @_;
    my @files = glob "$self->{dir}/sessions/sess_*";
    return scalar @files;
}

# What PHP or httpd had to complain about, without what differs each time.
sub complaints
{
    my ($self) = @_;
    my %seen;
    for my $line (split /\n/, $self->{server}->error_log) {
        next if $line !~ /PHP [A-Z][a-z ]+:|:(?:error|crit)\]/;
        $line =~ s/^(?:\[[^\]]*\] )+//;
        $line =~ s/\Q$self->{dir}\E/DIR/g;
        $line =~ s/, referer: .*//;
        $seen{$line}++;
    }
    return sort keys %seen;
}

sub stop
{
    my ($self) = @_;
    $self->{server}->stop;
    remove_tree($self->{dir}) unless $ENV{SXTEST_KEEP};
    return;
}

1;
