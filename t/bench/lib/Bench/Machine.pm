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

Made by `make bench BENCHFLAGS=--write-docs`, in one run on one machine; do not
edit. Cases take turns round by round, so that noise falls on all of them, and
each figure is a median of rounds. Compare figures within a table: absolute
ones change with the machine and with what else it does.

END
}

sub after
{
    my ($m, $seconds, $command) = @_;
    my $httpd = SxTest::Paths::httpd();
    my $ghz = field('/proc/cpuinfo', qr/^cpu MHz\s*:\s*(\d+)/);
    my $os = field('/etc/os-release', qr/^PRETTY_NAME="?([^"\n]+)/);
    my $cpus = () = glob '/sys/devices/system/cpu/cpu[0-9]*';
    my $memory = int(field('/proc/meminfo', qr/^MemTotal:\s+(\d+)/) / 1048576);
    my $steal = field('/proc/stat', qr/^cpu +(?:\d+ +){7}(\d+)/) - $m->{steal};
    my $load = (split ' ', first_line('/proc/loadavg'))[0];
    my @v = (
        version(qr{Apache/(\S+)}, $httpd, '-v'),
        version(qr/^PHP (\S+)/m, 'php', '-v'),
        version(qr/^wrk (?:debian\/)?(\S+)/m, 'wrk', '-v'),
        version(qr/^(.+)/, 'cc', '--version'),
        version(qr/(\d\S*)/, 'pkg-config', '--modversion', 'libsodium'),
    );
    return <<"END";
## Where and how

* $m->{date}, $os, kernel @{[(uname)[2]]}
* @{[field('/proc/cpuinfo', qr/^model name\s*:\s*(.+)/)]}, $ghz MHz, $cpus CPUs, $memory GiB
* httpd $v[0], PHP $v[1], wrk $v[2], libsodium $v[4]
* $v[3]
* load average $m->{load} before and $load after (wrk and servers included);
  $steal jiffies stolen by the host
* `$command`, $seconds s
END
}

1;
