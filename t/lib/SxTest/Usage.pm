# SPDX-License-Identifier: Apache-2.0
# What --help of a script says, the comment at its head, and its other options.
package SxTest::Usage;
use strict;
use warnings;
use Exporter qw(import);
use File::Basename qw(basename);
use Getopt::Long qw(GetOptions);

our @EXPORT = qw(options usage);

sub usage
{
    open my $in, '<', $0 or die "$0: $!\n";
    while (my $line = <$in>) {
        last if $line !~ /^#/;
        print $line =~ s/^# ?//r unless $line =~ /^#!|SPDX/;
    }
    return;
}

# Of a script that takes options, as Getopt::Long has them, and nothing else: it
# ends here behind --help, and with 2 for what is none.
sub options
{
    my ($opt, @known) = @_;
    GetOptions($opt, @known, 'help') or exit 2;
    if ($opt->{help}) {
        usage();
        exit 0;
    }
    return unless @ARGV;
    print STDERR basename($0), ": '$ARGV[0]' is no option; --help lists them\n";
    exit 2;
}

1;
