# SPDX-License-Identifier: Apache-2.0
# A private httpd for tests that restart, kill or misconfigure one: own
# ServerRoot, own loopback port, the module as built. It runs in the foreground
# as our child in a process group of its own, so it is stopped by pid, and what
# it left behind is too, however the test ends.
package SxTest::Server;

use strict;
use warnings;

use File::Path qw(remove_tree);
use File::Temp qw(tempdir);
use POSIX qw(WNOHANG _exit);
use Time::HiRes qw(sleep time);
use SxTest::Browser;
use SxTest::Core;
use SxTest::Fpm;
use SxTest::Listener;
use SxTest::Log;
use SxTest::Paths;

my $OWNER = $$;
my $PATIENCE = 15;
my @LIVE;
my @FATAL;

# conf    text added at the end of the configuration
# mpm     prefork, worker, event (that of this run)   user  when root (www-data)
# module  0: without mod_session_ext                  scopes 1: the standard ones
# php     1: with php-fpm where there is no mod_php   start  StartServers
# fpm     1: with php-fpm in any case, for who names fpm_socket
# php_ini like php, and these lines are PHP's settings, beside our extension
# more    LoadModule names beyond the list: [qw(session ssl)]
sub new
{
    my ($class, %opt) = @_;
    my $who = SxTest::Paths::test_user();
    my $mpm = $opt{mpm} || $ENV{SXTEST_MPM} || 'event';
    my $self = bless {
        module => 1, conf => '', user => $who->{name}, more => [],
        group => $who->{group}, start => $mpm eq 'prefork' ? 8 : 2,
        %opt, mpm => $mpm, port => SxTest::Paths::free_port(),
    }, $class;
    $self->_make_root;
    $self->{php} ||= defined $self->{php_ini};
    $self->write_php_ini if defined $self->{php_ini};
    my $fpm = delete $self->{fpm} || $self->{php} && $mpm ne 'prefork';
    $self->_make_fpm if $fpm;
    $self->write_conf;
    push @LIVE, $self;
    return $self;
}

# Copies, because the tree itself may lie where the test user cannot read.
sub _make_root
{
    my ($self) = @_;
    my $root = tempdir('sxt-XXXXXX', DIR => SxTest::Paths::scratch_root());
    chmod 0755, $root;
    mkdir "$root/$_" for qw(logs logs/cache run barriers);
    chmod 01777, "$root/barriers", "$root/logs/cache";
    my @from = map { SxTest::Paths::t_dir() . "/$_" } qw(apps htdocs conf);
    system('cp', '-RP', @from, $root) == 0 or die "cannot fill $root\n";
    system('chmod', '-R', 'a+rX', map { "$root/$_" } qw(apps htdocs conf));
    $self->{root} = $root;
    $ENV{SXTEST_BARRIERS} ||= "$root/barriers";
    return;
}

sub _make_fpm
{
    my ($self) = @_;
    $self->{fpm} = SxTest::Fpm->new(dir => "$self->{root}/run",
        user => $self->{user}, group => $self->{group},
        ini => defined $self->{php_ini} ? $self->php_ini_file : undef);
    $self->{fpm}->start or delete $self->{fpm};
    return;
}

sub php_ini_file { return "$_[0]{root}/run/php.ini" }

# $_SESSION in the store that this server has by default; what the test says (a
# text, or code that makes one for us) goes before.
sub write_php_ini
{
    my ($self, $lines) = @_;
    $self->{php_ini} = $lines if defined $lines;
    my $said = ref $self->{php_ini} ? $self->{php_ini}->($self)
        : $self->{php_ini};
    my $run = "$self->{root}/run";
    my @ours = (
        'extension' => '"' . SxTest::Paths::php_extension() . '"',
        'session.save_handler' => 'session_ext',
        'session.serialize_handler' => 'session_ext',
        'session_ext.store_file' => "$run/session_ext-sessions.shm",
        'session_ext.key_file' => "$run/session_ext.keys",
        'display_errors' => 'On', 'html_errors' => 'Off');
    # PHP's own extensions lie elsewhere.
    $said =~ s/^extension\s*=\s*session_ext\.so\s*?$//m;
    my $to = $self->php_ini_file;
    open my $out, '>', $to or die "$to: $!\n";
    while (my ($name, $value) = splice @ours, 0, 2) {
        print $out "$name = $value\n" unless $said =~ /^\Q$name\E\s*=/m;
    }
    print $out $said;
    close $out or die "$to: $!\n";
    return;
}

sub root        { return $_[0]{root} }
sub port        { return $_[0]{port} }
sub pid         { return $_[0]{pid} }
sub conf_file   { return "$_[0]{root}/httpd.conf" }
sub runtime_dir { return "$_[0]{root}/run" }
sub fpm_socket  { return $_[0]{fpm}->socket }

sub _defines
{
    my ($self) = @_;
    my $root = $self->{root};
    my %value = (
        SX_T => $root, SX_LOGS => "$root/logs", SX_RUN => "$root/run",
        SX_BARRIERS => $ENV{SXTEST_BARRIERS}, SX_PORT => $self->{port},
        SX_START => $self->{start}, SX_MODULES => SxTest::Paths::modules_dir());
    $value{SX_FPM} = $self->{fpm}->socket if $self->{fpm};
    return join '', map { "Define $_ \"$value{$_}\"\n" } sort keys %value;
}

sub _module_lines
{
    my ($self) = @_;
    my $dir = SxTest::Paths::modules_dir();
    my $text = SxTest::Paths::load_modules($self->{mpm});
    $text .= "LoadModule ${_}_module $dir/mod_$_.so\n" for @{ $self->{more} };
    return $text unless $self->{module};
    return $text . "LoadModule session_ext_module \""
        . ($self->{next} ? SxTest::Paths::next_module()
        : SxTest::Paths::module()) . "\"\n";
}

# With the module of another layout from now on.
sub upgrade
{
    my ($self) = @_;
    $self->{next} = 1;
    return $self->write_conf;
}

# Writes the configuration again, with another last part if one is given.
sub write_conf
{
    my ($self, $conf) = @_;
    $self->{conf} = $conf if defined $conf;
    my $root = $self->{root};
    my $text = $self->_module_lines . $self->_defines;
    $text .= "ServerRoot $root\nDocumentRoot $root/htdocs\n"
        . "ServerName localhost\nListen 127.0.0.1:$self->{port}\n"
        . "PidFile $root/run/httpd.pid\nInclude $root/conf/base.conf\n";
    $text .= "PHPIniDir $root/run\n"
        if defined $self->{php_ini} && $self->{mpm} eq 'prefork';
    $text .= "User $self->{user}\nGroup $self->{group}\n" unless $>;
    $text .= "LogLevel warn session_ext:trace8\n" if $self->{module};
    $text .= "Include $root/conf/scopes.conf\n" if $self->{scopes};
    open my $out, '>', $self->conf_file or die $self->conf_file . ": $!\n";
    print $out "$text$self->{conf}\n";
    close $out or die $self->conf_file . ": $!\n";
    return $self;
}

sub _command
{
    my ($self, @more) = @_;
    return (SxTest::Paths::preload(), SxTest::Paths::httpd(),
        '-d', $self->{root}, '-f', $self->conf_file, @more);
}

sub _fork_exec
{
    my ($out, @command) = @_;
    defined(my $pid = fork) or die "fork: $!\n";
    return $pid if $pid;
    setpgrp 0, 0;
    open STDIN,  '<', '/dev/null';
    open STDOUT, '>', $out;
    open STDERR, '>&', \*STDOUT;
    exec { $command[0] } @command or _exit(127);
}

# What httpd -t says: (exit status, text).
sub configtest
{
    my ($self) = @_;
    my $out = "$self->{root}/logs/configtest";
    my $pid = _fork_exec($out, $self->_command('-t'));
    waitpid $pid, 0;
    my $status = $? & 127 ? 128 + ($? & 127) : $? >> 8;
    return ($status, SxTest::Log::since($out, 0));
}

sub _answers
{
    my ($self) = @_;
    return !!IO::Socket::INET->new(PeerAddr => '127.0.0.1',
        PeerPort => $self->{port}, Proto => 'tcp', Timeout => 2);
}

# After this many "resuming normal operations" in the log.
sub _ready_count
{
    my ($self) = @_;
    my $text = $self->error_log;
    return scalar(() = $text =~ /resuming normal operations/g);
}

# True when it came up; in list context also what it said: (1 or 0, text).
sub try_start
{
    my ($self) = @_;
    die "this server is running already\n" if $self->{pid};
    my $out   = "$self->{root}/logs/console";
    my $mark  = $self->log_mark;
    my $ready = $self->_ready_count;
    my $pid   = _fork_exec($out, $self->_command('-DFOREGROUND'));
    $self->{pid} = $self->{pgrp} = $pid;
    my $up = $self->_wait_until_up($pid, $ready);
    $self->_reap unless $up;
    my $text = SxTest::Log::since($out, 0) . $self->error_log_since($mark);
    return wantarray ? ($up, $text) : $up;
}

sub _wait_until_up
{
    my ($self, $pid, $ready) = @_;
    my $end = time + 30;
    while (time < $end) {
        if (waitpid($pid, WNOHANG) == $pid) {
            $self->{pid} = undef;
            return 0;
        }
        return 1 if $self->_ready_count > $ready && $self->_answers;
        sleep 0.01;
    }
    return 0;
}

sub start
{
    my ($self) = @_;
    my ($up, $text) = $self->try_start;
    die "httpd ($self->{mpm}) did not start:\n$text" unless $up;
    return $self;
}

sub _signal_restart
{
    my ($self, $signal) = @_;
    my $ready = $self->_ready_count;
    kill $signal => $self->{pid} or die "kill $signal: $!\n";
    my $end = time + 20;
    while ($self->_ready_count <= $ready) {
        if (waitpid($self->{pid}, WNOHANG) == $self->{pid}) {
            $self->{pid} = undef;
            die "httpd ended at $signal:\n" . $self->error_log;
        }
        die "httpd is not back from $signal in 20 s\n" if time > $end;
        sleep 0.005;
    }
    return 1;
}

# httpd says that it is back before each process of the old generation has
# heard of its end: until then one of those may take the next connection.
sub graceful
{
    my ($self) = @_;
    my @old = $self->children;
    $self->_signal_restart('USR1');
    return SxTest::Listener::wait_until_closed($self->{port}, @old)
        || die "a process of before the restart still takes connections\n";
}

sub hup { return $_[0]->_signal_restart('HUP') }

# Ends what is left of the process group after the parent.
sub _reap
{
    my ($self) = @_;
    my $pgrp = delete $self->{pgrp} or return;
    my $pid = delete $self->{pid};
    my $end = time + 1;
    while ($pid && waitpid($pid, WNOHANG) == 0) {
        last if time > $end;
        sleep 0.01;
    }
    kill KILL => -$pgrp;
    waitpid $pid, 0 if $pid;
    unlink "$self->{root}/run/httpd.pid";
    return;
}

sub stop
{
    my ($self, $signal) = @_;
    return unless $self->{pid};
    kill $signal || 'TERM' => $self->{pid};
    my $end = time + $PATIENCE;
    while (waitpid($self->{pid}, WNOHANG) == 0) {
        last if time > $end;
        sleep 0.01;
    }
    $self->{pid} = undef if !kill 0, $self->{pid};
    $self->_reap;
    # Who is dying still has the port; without a parent nobody waits for it.
    return SxTest::Listener::wait_until_free($self->{port});
}

# The same, and the last process has done what it does at its end. httpd's event
# MPM may crash when a child ends (SxTest::Core tells whose fault it was): then
# it is started and stopped again.
sub stop_whole
{
    my ($self) = @_;
    for (1 .. 5) {
        my $mark = $self->log_mark;
        $self->stop;
        last if !SxTest::Log::fatal($self->error_log_since($mark));
        $self->start;
    }
    return;
}

# The worker processes: for threaded MPMs without the cgid daemon, which has
# but one thread.
sub children
{
    my ($self) = @_;
    my @found;
    for my $file (glob '/proc/[0-9]*/stat') {
        open my $in, '<', $file or next;
        my $line = <$in>;
        next unless defined $line && $line =~ /^(\d+) \(.*\) (\S) (\d+) /s;
        my ($pid, $state, $parent) = ($1, $2, $3);
        next if $parent != ($self->{pid} || 0) || $state eq 'Z';
        my @threads = glob "/proc/$pid/task/*";
        push @found, $pid if $self->{mpm} eq 'prefork' || @threads > 1;
    }
    return @found;
}

sub browser
{
    my ($self, %opt) = @_;
    return SxTest::Browser->new(port => $self->{port}, %opt);
}

sub log_file  { return "$_[0]{root}/logs/error_log" }
sub log_mark  { return SxTest::Log::mark($_[0]->log_file) }
sub error_log { return SxTest::Log::since($_[0]->log_file, 0) }
sub error_log_since { return SxTest::Log::since($_[0]->log_file, $_[1]) }

sub _dispose
{
    my ($self) = @_;
    $self->stop;
    $self->{fpm}->stop if $self->{fpm};
    return if !$self->{root};
    my ($shown, @lines) = SxTest::Core::judge($self->{root},
        SxTest::Log::fatal($self->error_log));
    print map { s/^/# /gmr } @$shown;
    push @FATAL, @lines;
    return;
}

# From now on servers get a second to stop before they are killed.
sub hurry { return $PATIENCE = 1 }

# Stops every private server; the lines in which one said that it crashed.
sub finish_all
{
    return if $$ != $OWNER;
    local @SIG{qw(INT TERM ALRM)} = ('IGNORE') x 3;
    $_->_dispose for @LIVE;
    # remove_tree wants to come back to a directory that may be gone.
    chdir '/' if !-e '.';
    remove_tree($_->{root}, { safe => 0 })
        for grep { !$ENV{SXTEST_KEEP} } @LIVE;
    @LIVE = ();
    my @lines = @FATAL;
    @FATAL = ();
    return @lines;
}

END {
    local $?;
    finish_all();
}

1;
