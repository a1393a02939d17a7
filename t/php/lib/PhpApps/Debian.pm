# SPDX-License-Identifier: Apache-2.0
# Applications from Debian's archive, unpacked below the build and not
# installed: no configuration of the system's httpd is touched, and none of
# their scripts is run.
package PhpApps::Debian;
use strict;
use warnings;
use Php::Command;
use SxTest::File qw(slurp spew);
use SxTest::Progress;

# The tree of a package as it came, without what nobody reads here; fetched
# once.
sub tree
{
    my ($build, $package) = @_;
    my $dir = "$build/php/debian";
    my $tree = "$dir/$package";
    return $tree if -d $tree;
    my $log = "$dir/$package.log";
    system('mkdir', '-p', "$dir/$package.deb") == 0
        or die "$dir: cannot be made\n";
    progress("package $package");
    command($log, {dir => "$dir/$package.deb"}, 'apt-get', '-q', '-o',
        'APT::Sandbox::User=', '-o', 'Acquire::Retries=3', 'download', $package)
        or die "apt-get could not fetch $package: see $log\n";
    my ($deb) = glob "$dir/$package.deb/*.deb";
    command($log, 'dpkg-deb', '-x', $deb, "$tree.new")
        or die "$deb cannot be unpacked: see $log\n";
    system('rm', '-rf', map { "$tree.new/usr/share/$_" } qw(doc man locale));
    rename "$tree.new", $tree or die "$tree: $!\n";
    return $tree;
}

# A copy of such a tree at another place, where its absolute links and the paths
# in its PHP lead to the copy: /usr/share/NAME, /etc/NAME and /var/*/NAME.
sub place
{
    my ($tree, $to, $name) = @_;
    system('cp', '-R', $tree, $to) == 0 or die "cannot fill $to\n";
    my $own = qr{/(?:usr/share|etc|var/lib|var/cache)/\Q$name\E\b};
    for my $link (split /\0/, qx(find '$to' -type l -print0)) {
        my $target = readlink $link;
        next unless $target =~ m{^$own};
        unlink $link and symlink "$to$target", $link or die "$link: $!\n";
    }
    for my $file (split /\0/, qx(find '$to' -type f -name '*.php' -print0)) {
        my $text = slurp($file);
        spew($file, $text) if $text =~ s{(?<=["'])(?=$own)}{$to}g;
    }
    return $to;
}

1;
