# SPDX-License-Identifier: Apache-2.0
# Somebody who uses an application, by whatever browser: what a script says of
# pages, and the outcome that it leaves.  A browser (PhpApps::Plain,
# PhpApps::Chromium) brings open, form, follow, source and cookies.
package PhpApps::User;
use strict;
use warnings;

# A script's own words for where it is, for the one who reads a failure.
sub step
{
    my ($self, $what) = @_;
    $self->{step} = $what;
    return;
}

sub outcome { return @{$_[0]{outcome} // []} }

# What is there on every handler alike.
sub note
{
    my ($self, $what) = @_;
    push @{$self->{outcome}}, "$self->{step}: $what";
    return;
}

sub fail
{
    my ($self, $why) = @_;
    die "$why; the page, " . $self->where . ', says: '
        . substr($self->words, 0, 1000) . "\n";
}

# What went wrong, and when.
sub at
{
    my ($self, $why) = @_;
    return "$self->{step}: $why";
}

# The page's text as one reads it, on one line.
sub words
{
    my ($self) = @_;
    my $text = $self->source;
    $text =~ s{<(script|style|svg)\b.*?</\1>}{ }gsi;
    $text =~ s{<[^>]*>}{ }g;
    $text =~ s/&nbsp;/ /g;
    $text =~ s/&(?:amp|#38);/&/g;
    $text =~ s/\s+/ /g;
    return $text;
}

sub sees
{
    my ($self, $re) = @_;
    my $words = $self->words;
    $words =~ $re or $self->fail("no $re");
    $self->note('sees ' . (defined $1 ? $1 : $&));
    return;
}

# Somebody else, with cookies of ours, is not shown this.
sub knows_nothing
{
    my ($self, $thief, $path, $re) = @_;
    $thief->step("$self->{step}, somebody with older cookies");
    $thief->open($path);
    $thief->lacks($re);
    $self->note($thief->outcome);
    return;
}

sub lacks
{
    my ($self, $re) = @_;
    $self->words =~ $re and $self->fail("there is $re");
    $self->note("has no $re");
    return;
}

1;
