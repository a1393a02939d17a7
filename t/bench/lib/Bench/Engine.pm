# SPDX-License-Identifier: Apache-2.0
# A store under the load of t/bench/store/load.h: a process (tree) that obeys
# orders, one line each.  Whatever it does, nobody waits for it beyond a limit:
# then all of its processes are killed and it is dead, with a reason.
package Bench::Engine;
use strict;
use warnings;
use IO::Select;
use POSIX qw(_exit);
use Time::HiRes qw(time);
use House;
use SxTest::Paths;

# In the order of the tables. `ours`, and what only bounds a store.
our @ALL = (
    {name => 'shm',       title => 'shm_store', ours => 1},
    {name => 'lmdb',      title => 'LMDB'},
    {name => 'apcu',      title => 'APCu in PHP'},
    {name => 'shmcb',     title => 'shmcb in httpd'},
    {name => 'memcached', title => 'memcached'},
    {name => 'redis',     title => 'Redis'},
    {name => 'table',     title => 'lookup+copy, no lock', bound => 1},
    {name => 'memcpy',    title => 'bare memcpy', bound => 1},
);

my %live;    # process group => its run

# Bytes that the greediest of them may take, for a look at what is free.
sub need
{
    my ($case) = @_;
    return $case->{records} * ($case->{bytes} + 32 + 300) * 1.25;
}

sub available
{
    open my $in, '<', '/proc/meminfo' or return 0;
    my ($kb) = map { /^MemAvailable:\s+(\d+)/ ? $1 : () } <$in>;
    return 1024 * ($kb // 0);
}

# ---- commands ---------------------------------------------------------------

sub command_of
{
    my ($opt, $name, $case) = @_;
    my ($records, $bytes, $room) = @{$case}{qw(records bytes room)};
    return shmcb_command($opt, $case) if $name eq 'shmcb';
    return apcu_command($case) if $name eq 'apcu';
    return (build() . '/t/bench/store/store', $name, $records, $bytes,
        $opt->{dir}, $room // ());
}

sub apcu_command
{
    my ($case) = @_;
    my $room = $case->{room} // 300;
    my $megabytes = int($case->{records} * ($case->{bytes} + 32 + $room)
        / 1048576) + 32;
    return ('php', map({ ('-d', "apc.$_") } 'enabled=1', 'enable_cli=1',
            "shm_size=${megabytes}M", "entries_hint=$case->{records}",
            'use_request_time=0'), '-d', 'memory_limit=-1',
        top() . '/t/bench/store/apcu.php', $case->{records}, $case->{bytes});
}

# The bench's own module for httpd.  A port, which nobody asks, so that several
# servers may stand side by side.
sub shmcb_command
{
    my ($opt, $case) = @_;
    my $conf = "$opt->{dir}/shmcb.conf";
    write_conf($opt->{dir}, $conf) unless -e $conf;
    my @env = SxTest::Paths::preload();
    return (@env ? @env : 'env', "BENCH_RECORDS=$case->{records}",
        "BENCH_BYTES=$case->{bytes}", 'BENCH_ROOM=' . ($case->{room} // 0),
        'BENCH_PORT=' . SxTest::Paths::free_port(),
        SxTest::Paths::httpd(), '-DFOREGROUND', '-f', $conf);
}

sub write_conf
{
    my ($dir, $conf) = @_;
    my $modules = SxTest::Paths::modules_dir();
    my $ours = build() . '/t/bench/httpd/mod_bench_shmcb.so';
    open my $out, '>', $conf or die "$conf: $!\n";
    print $out <<"END";
ServerRoot $dir
ServerName localhost
DefaultRuntimeDir $dir
PidFile $dir/shmcb-\${BENCH_PORT}.pid
ErrorLog $dir/shmcb.log
Listen 127.0.0.1:\${BENCH_PORT}
LoadModule mpm_prefork_module $modules/mod_mpm_prefork.so
LoadModule socache_shmcb_module $modules/mod_socache_shmcb.so
LoadModule bench_shmcb_module $ours
END
    close $out or die "$conf: $!\n";
    return;
}

# ---- processes --------------------------------------------------------------

# One that is not run, and why.
sub absent
{
    my ($class, $name, $case, $why) = @_;
    my ($about) = grep { $_->{name} eq $name } @ALL;
    return bless {%$about, case => $case, buffer => '', cell => {},
        absent => $why}, $class;
}

# The engine fills itself meanwhile; filled() waits for that.
sub start
{
    my ($class, $opt, $name, $case) = @_;
    my $self = $class->absent($name, $case, undef);
    if (need($case) > 0.8 * available()) {
        $self->{absent} = 'not enough memory';
        return $self;
    }
    pipe my $order, $self->{in} or die "pipe: $!\n";
    pipe $self->{out}, my $answer or die "pipe: $!\n";
    my @command = command_of($opt, $name, $case);
    $self->{pid} = fork // die "fork: $!\n";
    if (!$self->{pid}) {
        setpgrp 0, 0;
        open STDIN, '<&', $order or _exit(127);
        open STDOUT, '>&', $answer or _exit(127);
        open STDERR, '>>', "$opt->{dir}/engines.log" or _exit(127);
        exec {$command[0]} @command or _exit(127);
    }
    setpgrp $self->{pid}, $self->{pid};
    $self->{group} = $self->{pid};
    $self->{in}->autoflush(1);
    $live{$self->{pid}} = $$;
    return $self;
}

sub usable
{
    my ($self) = @_;
    return !$self->{absent} && !$self->{dead};
}

# Wait for the end of filling.  False if there is no store to measure.
sub filled
{
    my ($self) = @_;
    return unless $self->usable;
    $self->{fill} //= $self->answer(120 + $self->{case}{records} / 10_000);
    return $self->{fill} && $self;
}

sub read_line
{
    my ($self, $limit) = @_;
    my $end = time + $limit;
    my $select = IO::Select->new($self->{out});
    while ($self->{buffer} !~ /\n/) {
        my $left = $end - time;
        return (undef, sprintf 'no answer in %d s', $limit)
            unless $left > 0 && $select->can_read($left);
        sysread($self->{out}, $self->{buffer}, 4096, length $self->{buffer})
            or return (undef, 'ended early');
    }
    return $1 if $self->{buffer} =~ s/^([^\n]*)\n//;
    return;
}

# One line as names with values; nothing if there is none, or if the engine
# has no such order.
sub answer
{
    my ($self, $limit) = @_;
    my ($line, $why) = $self->read_line($limit);
    if (!defined $line) {
        $self->{dead} = $why;
        # A shell's answer: its program could not be run at all.
        my $ended = $self->end($why =~ /^no answer/ ? 0 : 4);
        ($self->{absent}, $self->{dead}) = ('not installed', undef)
            if !$self->{fill} && defined $ended && $ended >> 8 == 127;
        return;
    }
    my ($word, @rest) = split ' ', $line;
    if ($word eq 'absent') {
        $self->{absent} = "@rest";
        $self->end;
        return;
    }
    return $word eq 'cannot' ? undef : {@rest};
}

sub order
{
    my ($self, $line, $limit) = @_;
    return unless $self->usable;
    local $SIG{PIPE} = 'IGNORE';
    print {$self->{in}} "$line\n" or return;
    return $self->answer($limit // 60);
}

# Ask it to end, and end all of its processes if it does not in so many
# seconds.  Returns the exit status.
sub end
{
    my ($self, $patience) = @_;
    my $pid = delete $self->{pid} or return;
    close $self->{in};
    my $status;
    my $end = time + ($patience // 4);
    while (!defined $status && time < $end) {
        $status = $? if waitpid($pid, POSIX::WNOHANG()) == $pid;
        Time::HiRes::sleep(0.01) unless defined $status;
    }
    kill 'KILL', -$pid;
    waitpid $pid, 0 unless defined $status;
    delete $live{$pid};
    close $self->{out};
    return $status;
}

END {
    my $status = $?;
    kill 'KILL', map { -$_ } grep { $live{$_} == $$ } keys %live;
    $? = $status;
}

1;
