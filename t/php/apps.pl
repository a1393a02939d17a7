#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# PHP applications of Debian's archive, from log-in to log-out, under mod_php
# and php-fpm, by the tests' browser and by Chromium: first on PHP's handler
# files, then on ours.  What they show must be the same.
#
#   make php-apps PHPAPPSFLAGS='[OPTION...]'
#
#   --only=REGEX     only applications whose name matches
#   --sapi=LIST      mod_php,fpm
#   --browser=LIST   plain,chromium
#   --handler=LIST   files,session_ext
#   --verbose        what they show
#   --help           this
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib", "$FindBin::Bin/../lib";
use PhpApps::Run;
use SxTest::Usage;

my $build = $ENV{SXTEST_BUILD}
    or die "please say make php-apps: it builds what is tested\n";
my %opt = (only => '.', sapi => 'mod_php,fpm', browser => 'plain,chromium',
    handler => 'files,session_ext');
options(\%opt, qw(only=s sapi=s browser=s handler=s verbose));
$_ = [split /,/, $_] for @opt{qw(sapi browser handler)};
local @SIG{qw(INT TERM)} = (sub { exit 1 }) x 2;
$| = 1;
binmode $_, ":utf8" for *STDOUT, *STDERR;
my ($passed, @faults) = PhpApps::Run::all($build, \%opt);
print "\n", map { "$_\n" } @faults if @faults;
printf "%d passed, %d failed\n", $passed, scalar @faults;
exit(@faults ? 1 : 0);
