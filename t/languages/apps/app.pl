#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# The app of SxTest::Languages in Perl, as CGI.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../helpers";
use SessionExt;

sub decode { return map { tr/+/ /r =~ s/%([0-9a-f]{2})/chr hex $1/egir } @_ }
sub encode { return $_[0] =~ s/([^A-Za-z0-9])/sprintf '%%%02x', ord $1/egr }

my $session = SessionExt->new;
my %read = (
    tell => sub {
        return map { "$_ " . encode($session->$_ // '') }
            qw(status version user handle);
    },
    get => sub {
        my $value = $session->get($_[0]);
        return defined $value ? 'value ' . encode($value) : 'none';
    },
    messages => sub {
        my ($level) = @_;
        return map { 'message ' . encode($_->[1]) }
            grep { $_->[0] eq $level } $session->messages;
    },
);

sub obey
{
    my ($order, @words) = @_;
    return $read{$order}->(@words) if $read{$order};
    @words = $words[0] eq 'on' if $order eq 'persist';
    return eval { $session->$order(@words); 1 } ? () : 'refused';
}

my @said;
while (my $line = <STDIN>) {
    chomp $line;
    my ($order, @words) = split / /, $line, -1;
    push @said, obey($order, decode(@words));
}
print $session->headers, "Content-Type: text/plain\r\n\r\n";
print map { "$_\n" } @said;
