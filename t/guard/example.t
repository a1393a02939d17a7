#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# Who writes a module for httpd has apxs and one header of ours, and needs no
# more to build it.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../lint";
use Cwd qw(getcwd);
use File::Temp qw(tempdir);
use Test::More;
use House;

my $apxs = make_var('APXS');
my $dir = tempdir(CLEANUP => 1);
mkdir "$dir/$_" for qw(include module);
system('cp', top() . '/mod_session_ext/mod_session_ext.h', "$dir/include");
system('cp', top() . '/conf/examples/c/mod_example_session.c', "$dir/module");
my $back = getcwd();
chdir "$dir/module" or die "$dir/module: $!\n";
my $said = qx($apxs -I../include -Wc,-Wall -Wc,-Wextra -c mod_example_session.c 2>&1);
is($?, 0, 'apxs -c builds the example') or diag($said);
unlike($said, qr/warning:/, 'without a warning');
ok(-e '.libs/mod_example_session.so', 'and there is a module') or diag($said);
my @needs = grep { /session/ } map { /\sU\s+(\S+)$/ ? $1 : () }
    run(make_var('NM'), '-u', '.libs/mod_example_session.so');
none('it links to nothing of ours', @needs);
chdir $back;

done_testing();
