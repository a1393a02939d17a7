# SPDX-License-Identifier: Apache-2.0
# What must stand beside figures: machine, versions, load, command.
package Bench::Machine;
use strict;
use warnings;
use POSIX qw(strftime uname);
use SxTest::Paths;

sub first_line
{
    my ($file) = @_;
    open my $in, '<', $file or return '';
    my $line = <$in> // '';
    chomp $line;
    return $line;
}

sub field
{
    my ($file, $re) = @_;
    open my $in, '<', $file or return 'unknown';
    while (my $line = <$in>) {
        return $1 if $line =~ $re;
    }
    return 'unknown';
}

# Output of a command's first line that matches, or "not there".
sub version
{
    my ($re, @command) = @_;
    my $text = '';
    if (open my $pipe, '-|', 'sh', '-c', 'exec "$@" 2>&1', 'sh', @command) {
        local $/ = undef;
        $text = <$pipe> // '';
        close $pipe;
    }
    return $text =~ $re ? $1 : 'not there';
}

sub busy_jiffies
{
    my @f = split ' ', first_line('/proc/stat');
    my $idle = $f[4] + $f[5];
    my $all = 0;
    $all += $_ for @f[1 .. 8];
    return ($all - $idle, $all);
}

sub before
{
    return {
        date => strftime('%Y-%m-%d %H:%M UTC', gmtime),
        load => (split ' ', first_line('/proc/loadavg'))[0],
        steal => field('/proc/stat', qr/^cpu +(?:\d+ +){7}(\d+)/),
    };
}

sub head
{
    return <<'END';
<!-- SPDX-License-Identifier: Apache-2.0 -->
# Performance

Written by `make bench` and `make bench-store` with BENCHFLAGS=--write-docs, each
section in one run; do not edit. Cases take turns round by round, so that noise
falls on all of them, and each figure is a median of rounds. Compare figures
within a table: absolute ones change with the machine and with what else it does.

END
}

# The last paragraph of a section: on what it was measured, and how.
sub after
{
    my ($m, $seconds, $command) = @_;
    my $ghz = field('/proc/cpuinfo', qr/^cpu MHz\s*:\s*(\d+)/);
    my $os = field('/etc/os-release', qr/^PRETTY_NAME="?([^"\n]+)/);
    my $cpus = () = glob '/sys/devices/system/cpu/cpu[0-9]*';
    my $memory = int(field('/proc/meminfo', qr/^MemTotal:\s+(\d+)/) / 1048576);
    my $steal = field('/proc/stat', qr/^cpu +(?:\d+ +){7}(\d+)/) - $m->{steal};
    my $load = (split ' ', first_line('/proc/loadavg'))[0];
    my $cpu = field('/proc/cpuinfo', qr/^model name\s*:\s*(.+)/);
    my $compiler = version(qr/^(.+)/, 'cc', '--version');
    return <<"END";

Measured $m->{date} by `$command` in $seconds s;
$os, kernel @{[(uname)[2]]}, $compiler;
$cpu, $ghz MHz, $cpus CPUs, $memory GiB;
load average $m->{load} before and $load after, $steal jiffies stolen by the host.
END
}

sub versions
{
    my @v = (
        ['httpd', qr{Apache/(\S+)}, SxTest::Paths::httpd(), '-v'],
        ['PHP', qr/^PHP (\S+)/m, 'php', '-v'],
        ['APCu', qr/^(\d\S*)/m, 'php', '-r', 'echo phpversion("apcu");'],
        ['LMDB', qr/^(\d\S*)/m, 'pkg-config', '--modversion', 'lmdb'],
        ['memcached', qr/^memcached (\S+)/m, 'memcached', '--version'],
        ['Redis', qr/v=(\S+)/, 'redis-server', '--version'],
        ['wrk', qr/^wrk (?:debian\/)?(\S+)/m, 'wrk', '-v'],
        ['libsodium', qr/^(\d\S*)/m, 'pkg-config', '--modversion', 'libsodium'],
    );
    return join ', ', map { my ($name, @how) = @$_; "$name " . version(@how) }
        @v;
}

# How to do it again.
sub where
{
    my @peers = versions();
    return <<"END";
## Where and how

Each section says on which machine it was measured and by which command. The
peers of the newest run: @peers.

```sh
./bootstrap bench           # install the peers, measure everything
./bootstrap bench-store     # only the store beside its peers, 10 minutes
make bench-store            # the same once they are installed
make bench                  # everything, here in build/
```

`BENCHFLAGS` holds options: `--quick` shows in seconds that all of it works and
measures nothing; `--long` adds 10 M records where memory allows; `--rounds=N`
changes how often every case has its turn; `--write-docs` renews the sections of
this page that the run measured, and the drawing beside it; `--help` tells all.
A store that is not installed is named so in its row. Nothing that a store does
can stop the run: one that gives no answer in time is killed and said to be
stuck. Servers are started by the run on sockets in a directory of their own
and ended by their process ids; those that Debian starts when it installs
memcached and Redis are neither needed nor touched.
END
}

1;
