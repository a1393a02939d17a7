# SPDX-License-Identifier: Apache-2.0
# The comparison: each peer's turn at the three experiments, the table of it,
# and whether ours is as it must be.
package Bench::Compare;
use strict;
use warnings;
use List::Util qw(max);
use Text::Wrap ();
use SxTest::Paths;
use SxTest::Progress;
use lib __FILE__ =~ s|[^/]+/[^/]+\z||r;
use Bench::Compare::Experiment;
use Bench::Compare::Peers;
use Bench::Compare::Site;
use Bench::Machine;
use Bench::Table;

my %full = (adds => 1000, clients => 8, log_outs => 50, holds => 5, hold => 2);
my %quick = (adds => 24, clients => 4, log_outs => 2, holds => 1, hold => 1);

sub chosen
{
    my ($opt) = @_;
    my @peers = Bench::Compare::Peers::all();
    return grep { $_->{name} =~ /$opt->{only}/ } @peers
        if defined $opt->{only};
    return grep { !$opt->{quick} || $_->{quick} } @peers;
}

# What was measured of each, or why it was not.
sub measure
{
    my ($opt) = @_;
    my $size = $opt->{quick} ? \%quick : \%full;
    my @peers = map { {%$_, absent => Bench::Compare::Peers::lacking($_)} }
        chosen($opt);
    die "no peer's name matches '$opt->{only}'\n" unless @peers;
    my $site = Bench::Compare::Site->new(apps => $opt->{apps},
        peers => [grep { !$_->{absent} } @peers]);
    for my $peer (grep { !$_->{absent} } @{$site->{peers}}) {
        progress($peer->{name});
        $peer->{got} = eval {
            Bench::Compare::Experiment::all($site->serve($peer), $size,
                $peer->{retry});
        };
        $peer->{absent} = "failed: $@" =~ s/\s+/ /gr =~ s/ \z//r
            unless $peer->{got};
        $site->rest;
    }
    $site->stop;
    return ($size, @peers);
}

# ---- the table ---------------------------------------------------------------

sub ms
{
    my ($seconds) = @_;
    return sprintf '%.0f', 1e3 * ($seconds // 0);
}

sub row
{
    my ($peer) = @_;
    my $got = $peer->{got} or return [$peer->{name}, $peer->{absent},
        ('-') x 8];
    my ($add, $out, $hold) = @$got{qw(add out hold)};
    return [$peer->{name}, $add->{kept}, $add->{failed},
        unsaid($add), sprintf('%.1f', $add->{seconds}),
        "$out->{cookie} / $out->{browser}",
        "$out->{slow_failed} / $out->{out_failed}",
        ms(median(@{$hold->{waits}})), ms(max(@{$hold->{waits}})),
        $hold->{without}];
}

# Increments that were answered with 200 and are not there.
sub unsaid
{
    my ($add) = @_;
    return max(0, $add->{answered} - $add->{kept});
}

sub table_of
{
    my ($size, @peers) = @_;
    return table(['', "kept of $size->{adds}", 'refused', 'lost unsaid', 's',
            "logged in again, of $size->{log_outs}",
            'late / log-out failed', 'wait, ms', 'worst, ms', 'without'],
        map { row($_) } @peers);
}

# ---- what must hold ----------------------------------------------------------

# Sentences about what ours did wrong; none if all is well.
sub faults
{
    my ($size, $peer) = @_;
    my $name = $peer->{name};
    my $got = $peer->{got} or return "$name: $peer->{absent}";
    my ($add, $out, $hold) = @$got{qw(add out hold)};
    my $worst = max(@{$hold->{waits}});
    my @wrong;
    push @wrong, "kept $add->{kept} of $size->{adds} increments"
        if $add->{kept} != $size->{adds};
    push @wrong, "refused $add->{failed} increments" if $add->{failed};
    push @wrong, "$out->{cookie} of $size->{log_outs} old cookies and"
        . " $out->{browser} browsers are logged in after the log-out"
        if $out->{cookie} || $out->{browser};
    push @wrong, "$out->{slow_failed} late answers and $out->{out_failed}"
        . ' log-outs failed' if $out->{slow_failed} || $out->{out_failed};
    # What waits for the slow request waits for all of it.
    push @wrong, 'a fast request waited ' . ms($worst) . ' ms for a slow one'
        if $worst > $size->{hold} / 2;
    push @wrong, "$hold->{without} fast requests did not see their session"
        if $hold->{without};
    return map { "$name: $_" } @wrong;
}

# ---- the section -------------------------------------------------------------

sub versions
{
    my @v = (
        ['httpd', qr{Apache/(\S+)}, SxTest::Paths::httpd(), '-v'],
        ['PHP', qr/^PHP (\S+)/m, SxTest::Paths::fpm(), '-v'],
        ['phpredis', qr/^(\d\S*)/m, 'php', '-r', 'echo phpversion("redis");'],
        ['php-memcached', qr/^(\d\S*)/m, 'php', '-r',
            'echo phpversion("memcached");'],
        ['Redis', qr/v=(\S+)/, 'redis-server', '--version'],
        ['memcached', qr/^memcached (\S+)/m, 'memcached', '--version'],
        ['Node.js', qr/^v(\S+)/m, 'node', '--version'],
        ['Django', qr/^(\d\S*)/m, $Bench::Compare::Peers::PYTHON, '-m',
            'django', '--version'],
        ['gunicorn', qr/version (\S+?)\)/, 'gunicorn', '--version'],
    );
    my @said = map { my ($name, @how) = @$_;
        "$name " . Bench::Machine::version(@how) } @v;
    return join ', ', @said;
}

# The packages of npm, as they are pinned.
sub pinned
{
    my ($apps) = @_;
    open my $in, '<', "$apps/express/package.json" or return 'unknown';
    return join ', ', map { /"([\w-]+)": "(\d[\d.]*)"/ ? "$1 $2" : () } <$in>;
}

sub caption
{
    my ($size) = @_;
    return "$size->{adds} increments of one session by $size->{clients}"
        . ' requests at a time, 5 ms of app time each;'
        . " $size->{log_outs} log-outs during a slow request;"
        . " $size->{holds} times a request of $size->{hold} s with three fast"
        . " ones beside it.\n";
}

# The section, and what is wrong with ours.
sub section
{
    my ($opt, $command) = @_;
    my $begin = time;
    my $machine = Bench::Machine::before();
    my ($size, @peers) = measure($opt);
    local $Text::Wrap::columns = 81;
    my $text = Text::Wrap::wrap('', '', caption($size)) . "\n"
        . table_of($size, @peers) . "\n"
        . Text::Wrap::wrap('', '', 'Versions: ' . versions()
            . '; from npm: ' . pinned($opt->{apps}) . ".\n")
        . Bench::Machine::after($machine, time - $begin, $command);
    return ($text, map { faults($size, $_) } grep { $_->{ours} } @peers);
}

1;
