# SPDX-License-Identifier: Apache-2.0
# docs/performance.md: a section for each part of the benchmark, each with what
# it was measured on.  A run renews the sections that it measured and leaves
# the others.
package Bench::Page;
use strict;
use warnings;
use lib __FILE__ =~ s|[^/]+/[^/]+\z||r;
use Bench::Machine;

# Sections by the first words of their heading, in the order of the page.
my @ORDER = ('The store beside its peers', 'Requests', 'Requests in instruct',
    'The session core alone', 'As a socache provider', 'A graceful restart',
    'Where and how');

sub title_of
{
    my ($section) = @_;
    my ($title) = $section =~ /\A## (.+)/;
    return $title // '';
}

# What is kept of a page: its sections.
sub sections
{
    my ($file) = @_;
    open my $in, '<', $file or return;
    local $/ = undef;
    my $text = readline($in) // '';
    return map { s/\n+\z/\n/r } grep { /\A## / } split /^(?=## )/m, $text;
}

sub place
{
    my ($section) = @_;
    my $title = title_of($section);
    my ($best, $length) = (scalar @ORDER, 0);
    for my $i (0 .. $#ORDER) {
        next if index($title, $ORDER[$i]) != 0 || length $ORDER[$i] <= $length;
        ($best, $length) = ($i, length $ORDER[$i]);
    }
    return $best;
}

sub renew
{
    my ($file, @new) = @_;
    my %new = map { title_of($_) => 1 } @new;
    my @all = sort { place($a) <=> place($b) }
        @new, grep { !$new{title_of($_)} } sections($file);
    open my $out, '>', $file or die "$file: $!\n";
    print $out Bench::Machine::head(), join "\n", map { s/\n+\z/\n/r } @all;
    close $out or die "$file: $!\n";
    return;
}

# The other kind of page, written by hand but for what stands between these two
# lines.
sub renew_between
{
    my ($file, $new) = @_;
    my ($from, $to) = ('<!-- measured -->', '<!-- end of measured -->');
    open my $in, '<', $file or die "$file: $!\n";
    my $text = do { local $/ = undef; readline $in };
    $text =~ s/^\Q$from\E\n.*?^\Q$to\E$/$from\n\n$new\n$to/ms
        or die "$file: no line $from with $to behind it\n";
    open my $out, '>', $file or die "$file: $!\n";
    print $out $text;
    close $out or die "$file: $!\n";
    return;
}

1;
