# SPDX-License-Identifier: Apache-2.0
# Where things are: this tree, the build, httpd and its modules.
# Everything may be set from outside by an SXTEST_* variable; t/run sets
# them once so that apxs (a slow script) is asked once a run, not once a test.
package SxTest::Paths;

use strict;
use warnings;

use Cwd qw(abs_path getcwd);
use File::Basename qw(dirname);

my $T_DIR = abs_path(dirname(__FILE__) . '/../..');

sub t_dir { return $T_DIR }

sub top_dir { return $ENV{SXTEST_SRC} || dirname($T_DIR) }

# The build directory: said, or where we stand, or ./build, or the source.
sub build_dir
{
    return $ENV{SXTEST_BUILD} if $ENV{SXTEST_BUILD};
    for my $dir (getcwd(), top_dir() . '/build') {
        return abs_path($dir) if -e "$dir/config.status";
    }
    return top_dir();
}

sub module
{
    return $ENV{SXTEST_MODULE}
        || build_dir() . '/mod_session_ext/mod_session_ext.so';
}

# The module as an upgrade may bring it: its stores have another layout.
sub next_module
{
    my $dir = dirname(module());
    return dirname($dir) . '/next/mod_session_ext.so';
}

# The PHP extension, beside the module in a build and in a stage.
sub php_extension { return dirname(module()) . '/php/session_ext.so' }

# Modules that use ours, and where a build has them.
my %USERS = (
    mod_bench_socache   => 't/bench/socache',
    mod_test_calls      => 't/calls',
    mod_example_session => 'conf/examples/c',
);

sub user_modules { return sort keys %USERS }

# One of them: beside ours in a stage, else in a build; '' if it is not there.
sub user_module
{
    my ($name) = @_;
    my ($found) = grep { -e } dirname(module()) . "/$name.so",
        build_dir() . "/$USERS{$name}/$name.so";
    return $found // '';
}

sub _apxs
{
    my ($key) = @_;
    my $apxs = $ENV{SXTEST_APXS} || 'apxs';
    my $value = qx($apxs -q $key);
    die "$apxs -q $key said nothing\n" unless defined $value && $value =~ /\S/;
    chomp $value;
    return $value;
}

sub httpd
{
    return $ENV{SXTEST_HTTPD} ||= _apxs('SBINDIR') . '/' . _apxs('PROGNAME');
}

# What goes before httpd's path to load a sanitizer into it and nowhere else.
# PHP scans no conf.d then: opcache is opened in a way that sanitizers refuse.
sub preload
{
    my $library = $ENV{SXTEST_PRELOAD} or return;
    return ('env', "LD_PRELOAD=$library", 'PHP_INI_SCAN_DIR=');
}

sub modules_dir { return $ENV{SXTEST_LIBEXECDIR} ||= _apxs('LIBEXECDIR') }

sub fpm
{
    return $ENV{SXTEST_PHP_FPM} if defined $ENV{SXTEST_PHP_FPM};
    my @found = sort grep { -x } glob '/usr/sbin/php-fpm*';
    return $ENV{SXTEST_PHP_FPM} = @found ? $found[-1] : '';
}

# The committed list of an MPM as text that httpd can read from anywhere.
# A name may hold a star (libphp*.so): the newest match is taken, and a line
# without any match is left out, so has() can tell.
sub load_modules
{
    my ($mpm) = @_;
    my $file = "$T_DIR/conf/mpm-$mpm.conf";
    open my $in, '<', $file or die "no list of modules for $mpm: $file: $!\n";
    my $dir  = modules_dir();
    my $text = '';
    while (my $line = <$in>) {
        next unless $line =~ m{^LoadModule\s+(\S+)\s+modules/(\S+)};
        my ($name, @so) = ($1, sort grep { -e } glob "$dir/$2");
        $text .= "LoadModule $name $so[-1]\n" if @so;
    }
    return $text;
}

# Whom servers run as when we are root; Apache::Test will not run as root.
sub test_user
{
    for my $name ($ENV{SXTEST_USER} || (), 'www-data', 'nobody') {
        my (undef, undef, $uid, $gid) = getpwnam $name;
        return { name => $name, uid => $uid, gid => $gid,
                 group => scalar getgrgid $gid } if $uid;
    }
    die "no unprivileged user (www-data, nobody) to run tests as\n";
}

# Not below $TMPDIR by default: a private one is closed to the test user, and
# a long one overflows the 107 bytes of a unix socket's name.
sub scratch_root { return $ENV{SXTEST_TMP} || '/tmp' }

# Below the range of outgoing connections, so that none of ours takes it
# between this look and the server's bind; and for each job of t/run its own, as
# some are done at the same time.
my %PORTS = (prefork => 20000, worker => 23000, event => 26000);

sub free_port
{
    require IO::Socket::INET;
    my $first = $PORTS{ $ENV{SXTEST_JOB} // '' } || 29000;
    for (1 .. 200) {
        my $port = $first + int rand($first < 29000 ? 3000 : 1000);
        my $sock = IO::Socket::INET->new(
            LocalAddr => '127.0.0.1', LocalPort => $port,
            Proto => 'tcp', Listen => 1, ReuseAddr => 1);
        return $port if $sock;
    }
    die "no free port on loopback\n";
}

1;
