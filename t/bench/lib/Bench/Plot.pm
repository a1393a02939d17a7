# SPDX-License-Identifier: Apache-2.0
# Speed by number of records as an SVG: one panel for each kind of operation,
# one line a store, both axes logarithmic.
package Bench::Plot;
use strict;
use warnings;
use List::Util qw(max min);
use POSIX qw(ceil floor);
use lib __FILE__ =~ s|[^/]+/[^/]+\z||r;
use Bench::Engine;
use Bench::Table;

my @panels = (['get1', 'get'], ['put1', 'set'], ['mix1', '90:10']);
my ($WIDTH, $HEIGHT) = (250, 260);      # of a panel's drawing area
my ($LEFT, $TOP, $GAP, $BOTTOM) = (60, 80, 50, 50);
my $EDGE = 20;      # between a panel's sides and its outermost points

# Colours that the colour-blind can tell apart (Okabe and Ito); bounds are grey
# and dashed.
my %stroke = (
    shm => '#d55e00', lmdb => '#0072b2', apcu => '#009e73', shmcb => '#cc79a7',
    memcached => '#e69f00', redis => '#56b4e9', table => '#777777',
    memcpy => '#aaaaaa',
);

sub log10
{
    return log($_[0]) / log 10;
}

# {engine}{cell} => [[records, millions a second], ...] at the first size.
sub lines_of
{
    my (@cases) = @_;
    my %line;
    for my $case (grep { $_->{bytes} == $cases[0]{bytes} } @cases) {
        for my $run (values %{$case->{runs}}) {
            for my $panel (map { $_->[0] } @panels) {
                my $rate = median(@{($run->{cell}{$panel} // {})->{rate} // []});
                push @{$line{$run->{name}}{$panel}}, [$case->{records}, $rate]
                    if $rate;
            }
        }
    }
    return \%line;
}

# Powers of ten that enclose these numbers.
sub decades
{
    my @v = map { log10($_) } @_;
    my ($low, $high) = (floor(min(@v) + 1e-9), ceil(max(@v) - 1e-9));
    return ($low, $high > $low ? $high : $low + 1);
}

sub text_at
{
    my ($x, $y, $text, $more) = @_;
    return sprintf qq(<text x="%.1f" y="%.1f" %s>%s</text>\n), $x, $y,
        $more // '', $text;
}

sub line_at
{
    my ($x1, $y1, $x2, $y2, $more) = @_;
    return sprintf qq(<line x1="%.1f" y1="%.1f" x2="%.1f" y2="%.1f" %s/>\n),
        $x1, $y1, $x2, $y2, $more;
}

sub style
{
    my ($about) = @_;
    return qq(stroke="$stroke{$about->{name}}" )
        . ($about->{bound} ? 'stroke-width="1.5" stroke-dasharray="5 3"'
            : $about->{ours} ? 'stroke-width="3.5"' : 'stroke-width="2"');
}

sub legend
{
    my ($drawn) = @_;
    my ($text, $i) = ('', 0);
    for my $about (grep { $drawn->{$_->{name}} } @Bench::Engine::ALL) {
        my ($x, $y) = ($LEFT + 225 * int($i / 2), 22 + 20 * ($i % 2));
        $text .= line_at($x, $y - 4, $x + 28, $y - 4, style($about))
            . text_at($x + 34, $y, $about->{title});
        $i++;
    }
    return $text;
}

sub count_name
{
    my ($n) = @_;
    return $n >= 1e6 ? $n / 1e6 . ' M' : $n / 1e3 . ' k';
}

# The frame, the grid and its numbers.
sub axes
{
    my ($at, $scale, $title) = @_;
    my $bottom = $TOP + $HEIGHT;
    my $grid = 'stroke="#dddddd"';
    my $text = text_at($at + $WIDTH / 2, $TOP - 10, $title,
        'text-anchor="middle" font-weight="bold"');
    for my $power ($scale->{low} .. $scale->{high}) {
        my $y = $scale->{y}->(10 ** $power);
        $text .= line_at($at, $y, $at + $WIDTH, $y, $grid)
            . text_at($at - 6, $y + 4, 10 ** $power, 'text-anchor="end"');
    }
    for my $n (@{$scale->{records}}) {
        my $x = $at + $scale->{x}->($n);
        $text .= line_at($x, $TOP, $x, $bottom, $grid)
            . text_at($x, $bottom + 18, count_name($n), 'text-anchor="middle"');
    }
    return $text;
}

sub panel
{
    my ($at, $scale, $cell, $line) = @_;
    my $text = '';
    # Ours last, so that it lies on top.
    for my $about (reverse @Bench::Engine::ALL) {
        my @points = map {
            [$at + $scale->{x}->($_->[0]), $scale->{y}->($_->[1])]
        } @{$line->{$about->{name}}{$cell} // []};
        next unless @points;
        $text .= sprintf qq(<polyline fill="none" %s points="%s"/>\n),
            style($about), join ' ', map { sprintf '%.1f,%.1f', @$_ } @points;
        $text .= sprintf
            qq(<circle cx="%.1f" cy="%.1f" r="3" fill="%s"/>\n), @$_,
            $stroke{$about->{name}} for @points;
    }
    return $text;
}

sub scale_of
{
    my ($line) = @_;
    my @points = map { @$_ } map { values %$_ } values %$line;
    my %seen = map { $_->[0] => 1 } @points;
    my @records = sort { $a <=> $b } keys %seen;
    my ($low, $high) = decades(map { $_->[1] } @points);
    my ($first, $last) = (log10($records[0]), log10($records[-1]));
    return {
        low => $low, high => $high, records => \@records,
        x => sub {
            return $WIDTH / 2 if $last == $first;
            return $EDGE + ($WIDTH - 2 * $EDGE)
                * (log10($_[0]) - $first) / ($last - $first);
        },
        y => sub {
            return $TOP + $HEIGHT * ($high - log10($_[0])) / ($high - $low);
        },
    };
}

sub svg
{
    my (@cases) = @_;
    my $line = lines_of(@cases);
    my $scale = scale_of($line);
    my $width = $LEFT + @panels * ($WIDTH + $GAP);
    my $height = $TOP + $HEIGHT + $BOTTOM;
    my $bytes = $cases[0]{bytes};
    my $text = <<"END";
<svg xmlns="http://www.w3.org/2000/svg" width="$width" height="$height" viewBox="0 0 $width $height" font-family="sans-serif" font-size="13">
<title>Millions of operations a second by number of records of $bytes bytes, one process</title>
<rect width="$width" height="$height" fill="#ffffff"/>
END
    $text .= legend($line);
    for my $i (0 .. $#panels) {
        my $at = $LEFT + $i * ($WIDTH + $GAP);
        my ($cell, $title) = @{$panels[$i]};
        $text .= axes($at, $scale, $title) . panel($at, $scale, $cell, $line);
    }
    $text .= text_at($LEFT + ($width - $LEFT - $GAP) / 2, $height - 10,
        "millions of operations a second, by records of $bytes bytes;"
        . ' one process, both axes logarithmic', 'text-anchor="middle"');
    return "$text</svg>\n";
}

sub write_svg
{
    my ($file, @cases) = @_;
    open my $out, '>', $file or die "$file: $!\n";
    print $out svg(@cases);
    close $out or die "$file: $!\n";
    return;
}

1;
