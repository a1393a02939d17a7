# SPDX-License-Identifier: Apache-2.0
# Points where an app stops until the test lets it go, as files: an app at
# barrier NAME adds a byte to NAME.at and waits for NAME.go. A name is free
# again after its release: each use has a number of its own.
package SxTest::Barrier;

use strict;
use warnings;

use Time::HiRes qw(sleep time);

my $OWNER = $$;
my %use;
my %released;

sub directory
{
    return $ENV{SXTEST_BARRIERS} || die "no server with barriers is running\n";
}

sub _current
{
    my ($name) = @_;
    return "$OWNER-$name-" . ($use{$name} ||= 1);
}

# The name an app is told for the next request that waits at $name.
sub file_name
{
    my ($name) = @_;
    $use{$name}++ if delete $released{$name};
    return _current($name);
}

# Waits until $count requests (1) stand at the barrier; dies after 15 s.
sub reached
{
    my ($name, $count) = @_;
    my $file = directory() . '/' . _current($name) . '.at';
    my $end  = time + 15;
    until ((-s $file || 0) >= ($count || 1)) {
        die "no request reached barrier $name in 15 s\n" if time > $end;
        sleep 0.005;
    }
    return 1;
}

sub release
{
    my ($name) = @_;
    my $file = directory() . '/' . _current($name) . '.go';
    open my $out, '>', $file or die "barrier $name: $!\n";
    close $out;
    $released{$name} = 1;
    return 1;
}

1;
