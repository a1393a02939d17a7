# SPDX-License-Identifier: Apache-2.0
# Tables of configurations that httpd -t must refuse, or accept. A refusal is
# an exit status of 1 and a sentence in which every needle of the row is found:
# the directive, the value, and what would be accepted.
package SxTest::Refusal;

use strict;
use warnings;

use Test::More;

# What in a text is missing; an empty list if nothing is.
sub missing
{
    my ($text, @needles) = @_;
    return grep { index($text, $_) < 0 } @needles;
}

sub _verdict
{
    my ($server, $conf) = @_;
    $server->write_conf("$conf\n");
    return $server->configtest;
}

# Rows: [what is wrong, configuration, needle, needle…]
sub refused
{
    my ($server, @rows) = @_;
    for my $row (@rows) {
        my ($what, $conf, @needles) = @$row;
        my ($status, $text) = _verdict($server, $conf);
        my @missing = missing($text, @needles);
        ok($status == 1 && !@missing, "refused with a sentence: $what")
            or diag("exit status $status, without '@missing':\n$text");
    }
    return;
}

# Rows: [what is right, configuration]
sub accepted
{
    my ($server, @rows) = @_;
    for my $row (@rows) {
        my ($what, $conf) = @$row;
        my ($status, $text) = _verdict($server, $conf);
        ok($status == 0 && $text =~ /Syntax OK/, "accepted: $what")
            or diag("exit status $status:\n$text");
    }
    return;
}

1;
