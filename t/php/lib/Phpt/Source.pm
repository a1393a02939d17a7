# SPDX-License-Identifier: Apache-2.0
# PHP's own tests, from Debian's source package of the PHP that is installed,
# fetched and checked by apt.  Nothing of the system's apt is changed: lists and
# packages lie in a directory of ours, and no root is needed.
package Phpt::Source;
use strict;
use warnings;
use Php::Command;
use SxTest::File qw(spew);
use SxTest::Progress;

# Of php8.2-cli: ("php8.2", "8.2.7-1~deb12u1").
sub installed
{
    my $version = qx(php -r 'echo PHP_MAJOR_VERSION.".".PHP_MINOR_VERSION;');
    die "no php here\n" if $? || $version !~ /^\d+\.\d+$/;
    my $package = qx(dpkg-query -W -f '\${Version}' php$version-cli);
    die "php is not Debian's php$version-cli: where are its tests?\n" if $?;
    return ("php$version", $package);
}

# deb-src lines for where the package came from, or could.
sub origins
{
    my ($name) = @_;
    my %line;
    for my $line (qx(apt-cache policy $name-cli)) {
        my ($url, $suite, $component)
            = $line =~ m{^\s+-?\d+ (https?://\S+) ([^\s/]+)/(\S+) \S+ Packages}
            or next;
        $line{"deb-src $url $suite $component\n"}++;
    }
    die "apt does not know where $name-cli comes from: apt-get update\n"
        unless %line;
    return join '', sort keys %line;
}

# The source of the version that is installed or, where the archive has let go
# of it, of another of the same PHP.
sub download
{
    my ($dir, $name, $version) = @_;
    my $log = "$dir/apt.log";
    spew("$dir/sources.list", origins($name));
    mkdir "$dir/$_" for qw(lists lists/partial cache);
    my @apt = ('-q', '-o', "Dir::Etc::sourcelist=$dir/sources.list",
        '-o', 'Dir::Etc::sourceparts=-', '-o', "Dir::State::lists=$dir/lists",
        '-o', "Dir::Cache=$dir/cache", '-o', 'APT::Sandbox::User=',
        '-o', 'Acquire::Retries=3');
    progress("the source of $name");
    command($log, 'apt-get', @apt, 'update')
        or die "apt-get update failed: see $log\n";
    my @others = map { /^Version: (\S+)/ } qx(apt-cache @apt showsrc $name);
    for my $try ($version, grep { $_ ne $version } reverse @others) {
        return $try if command($log, {dir => $dir}, 'apt-get', @apt, 'source',
            '--download-only', '--tar-only', "$name=$try");
    }
    die "apt-get could not fetch the source of $name: see $log\n";
}

# DIR with ext/session and run-tests.php in it, which stays for the next time;
# its version, and that of
# PHP.
sub provide
{
    my ($dir) = @_;
    my ($name, $version) = installed();
    my $done = "$dir/version";
    if (open my $in, '<', $done) {
        my ($for, $is) = split ' ', <$in>;
        return ($is, $version) if $for eq $version;
    }
    system('rm', '-rf', $dir) == 0
        && system('mkdir', '-p', "$dir/src") == 0 or die "$dir: $!\n";
    my $is = download($dir, $name, $version);
    my ($tar) = glob "$dir/*.orig.tar.*";
    command("$dir/apt.log", 'tar', '-C', "$dir/src", '--strip-components=1',
        '-xf', $tar, '--wildcards', '*/run-tests.php',
        '*/ext/session/tests/*', '*/sapi/cgi/tests/include.inc')
        or die "$tar cannot be unpacked: see $dir/apt.log\n";
    system('rm', '-rf', "$dir/lists", "$dir/cache", $tar);
    spew($done, "$version $is\n");
    return ($is, $version);
}

1;
