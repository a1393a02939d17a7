#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# The app under test as a Perl CGI: it does what its query (or form body, or a
# header X-App, which no redirect loses) says and answers with its environment.
# Linked as nph-app.pl it speaks HTTP itself.
use strict;
use warnings;

sub instructions
{
    my $query = defined $ENV{QUERY_STRING} ? $ENV{QUERY_STRING} : '';
    if (($ENV{CONTENT_TYPE} || '') eq 'application/x-www-form-urlencoded') {
        read STDIN, my $form, $ENV{CONTENT_LENGTH} || 0;
        $query .= "&$form";
    }
    $query .= "&$ENV{HTTP_X_APP}" if defined $ENV{HTTP_X_APP};
    my %said;
    for my $pair (split /&/, $query) {
        my ($name, $value) = map {
            tr/+/ /;
            s/%([0-9A-Fa-f]{2})/chr hex $1/ger;
        } split /=/, $pair, 2;
        push @{ $said{$name} }, defined $value ? $value : ''
            if defined $name;
    }
    return \%said;
}

sub stand_at
{
    my ($name) = @_;
    my $base = "$ENV{SXTEST_BARRIERS}/$name";
    open my $at, '>>', "$base.at" or die "$base.at: $!";
    syswrite $at, "x";
    close $at;
    for (1 .. 1500) {
        return if -e "$base.go";
        select undef, undef, undef, 0.01;
    }
    return;
}

sub head
{
    my ($said, $length) = @_;
    my $status = $said->{status} ? $said->{status}[-1] : undef;
    my $type = $said->{type} ? $said->{type}[-1] : 'text/plain';
    my $text = '';
    if ($0 =~ m{/nph-[^/]*$}) {
        $text .= 'HTTP/1.1 ' . ($status || 200) . " OK\r\n";
        $text .= "Connection: close\r\n";
    }
    elsif ($status) {
        $text .= "Status: $status\r\n";
    }
    $text .= "$_\r\n" for @{ $said->{h} || [] };
    # What it sees, for answers without a body.
    $text .= "X-Told: $_=$ENV{$_}\r\n"
        for grep { defined $ENV{$_} } @{ $said->{tell} || [] };
    $text .= "Content-Type: $type\r\n" if $type ne '';
    $text .= "Content-Length: $length\r\n" if $said->{length};
    return "$text\r\n";
}

sub environment
{
    my $text = '';
    for my $name (sort keys %ENV) {
        next unless $name =~ /^(?:SESSION|FLASH|SEALED|HTTP_|REDIRECT_
            |REMOTE_USER|REQUEST_METHOD|SCRIPT)/x;
        my $value = $ENV{$name};
        $value =~ s/([^A-Za-z0-9_.~-])/sprintf '%%%02X', ord $1/ge;
        $text .= "$name=$value\n";
    }
    return $text;
}

my $said = instructions();
stand_at($_) for @{ $said->{wait} || [] };
select undef, undef, undef, $_ for @{ $said->{sleep} || [] };
binmode STDOUT;
my $body = join '', environment(), 'BODY=', @{ $said->{body} || [] };
print head($said, length $body), $body;
