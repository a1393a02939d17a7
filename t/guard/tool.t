#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# The tool's table of subcommands, its help and its manual say the same.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../lint";
use Test::More;
use House;

my ($table) = slurp('mod_session_ext/htsession.c')
    =~ /\bsubcommands\[\] = \{\n(.*?)\n\};/s;
my %operands = ($table // '') =~ /^    \{"(\w+)", "([A-Z -]+)",/mg;
cmp_ok(scalar keys %operands, '>=', 7, 'the table of subcommands is found');

my $manual = slurp('docs/htsession.8');
my ($commands) = $manual =~ /^\.Sh COMMANDS\n(.*?)^\.Sh /ms;
my %documented;
while ($commands =~ /^\.It Ic (\w+)(.*)$/mg) {
    my ($name, $rest) = ($1, $2);
    $documented{$name} = uc join ' ', $rest =~ /\bAr ([\w-]+)/g;
}
is_deeply(\%documented, \%operands,
    'the manual has every subcommand, with its operands, and no other');

my $tool = build() . '/mod_session_ext/htsession';
my $help = qx('$tool' --help);
is($?, 0, 'the built tool prints its help');
none('the help has every subcommand, with its operands',
    grep { $help !~ /htsession \[--json\] $_ \Q$operands{$_}\E$/m }
        sort keys %operands);
none('the help has every option of the manual',
    grep { $help !~ /^\s+\Q$_\E\s/m }
        map { "-$_" } $manual =~ /^\.It Fl (-\w+)\b/mg);

done_testing();
