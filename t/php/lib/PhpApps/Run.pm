# SPDX-License-Identifier: Apache-2.0
# Each application in each way to run PHP and by each browser, on one handler of
# sessions after the other: what it shows must be the same.
package PhpApps::Run;
use strict;
use warnings;
use PhpApps::Handler;
use PhpApps::Site;
use SxTest::Progress;

our @APPS = qw(Adminer DokuWiki PostfixAdmin SimpleSaml);
my %BROWSER = (plain => 'PhpApps::Plain', chromium => 'PhpApps::Chromium');

sub class
{
    my ($name) = @_;
    my $file = $name =~ s{::}{/}gr;
    require "$file.pm";
    return $name;
}

# One visit: the outcome, or why there is none.
sub visit
{
    my ($site, $app, $browser) = @_;
    my $user;
    my $done = eval {
        $user = class($BROWSER{$browser})->new($site->port,
            dir => "$site->{dir}/chromium");
        $app->visit($user);
        1;
    };
    my $why = $@ =~ s/\n\z//r;
    $why = $user->at($why) if $user;
    my %cookies = $done ? (cookies => [$user->cookie_names]) : ();
    $user->leave if $user;
    return {%cookies, $done ? (outcome => [$user->outcome]) : (why => $why)};
}

# All applications on one handler: {NAME => {outcome, cookies or why}}.
sub visits
{
    my ($build, $opt, $sapi, $browser, $handler) = @_;
    my @apps = map { class("PhpApps::App::$_")->new }
        grep { /$opt->{only}/i } @APPS;
    die "no application's name matches '$opt->{only}'\n" unless @apps;
    progress("$sapi, $browser, $handler->{name}");
    my $site = PhpApps::Site->new(build => $build, apps => \@apps,
        sapi => $sapi, handler => $handler);
    my %got = map { $_->name => visit($site, $_, $browser) } @apps;
    my %all = (seen => \%got, complaints => [$site->complaints],
        wrong => [$handler->{check}->($site, \%got)]);
    $site->stop;
    return \%all;
}

# The first step at which two outcomes part.
sub parting
{
    my ($one, $two) = @_;
    for my $n (0 .. ($#$one > $#$two ? $#$one : $#$two)) {
        my ($was, $is) = ($one->[$n] // 'nothing', $two->[$n] // 'nothing');
        return "'$is' instead of '$was'" if $was ne $is;
    }
    return;
}

# What is to be said of one application on one handler, beside what it showed on
# the first one: nothing, if all is well.
sub fault
{
    my ($is, $was) = @_;
    return $is->{why} // parting($was->{outcome} // [], $is->{outcome});
}

# The same for one handler, after what the first one has left: how many visits
# went well, and what did not.
sub judge
{
    my ($got, $first, $at, $opt) = @_;
    my %known = map { $_ => 1 } @{$first->{complaints}};
    my @faults = map { "$at: $_" } @{$got->{wrong}},
        grep { !$known{$_} } @{$got->{complaints}};
    my $passed = 0;
    for my $app (sort keys %{$got->{seen}}) {
        my $is = $got->{seen}{$app};
        my $fault = fault($is, $first->{seen}{$app});
        push @faults, "$app, $at: $fault" if defined $fault;
        $passed++ if !defined $fault;
        print "$app, $at: ", defined $fault ? 'failed' : 'as it should be',
            "\n";
        print map { "    $_\n" } @{$is->{outcome} // []} if $opt->{verbose};
    }
    return ($passed, @faults);
}

# (how many visits went well, what did not)
sub all
{
    my ($build, $opt) = @_;
    my ($passed, @faults) = (0);
    for my $sapi (@{$opt->{sapi}}) {
        for my $browser (@{$opt->{browser}}) {
            my $first;
            for my $handler (map { PhpApps::Handler::of($_) } @{$opt->{handler}}) {
                my $got = visits($build, $opt, $sapi, $browser, $handler);
                $first //= $got;
                my ($well, @not) = judge($got, $first,
                    "$sapi, $browser, $handler->{name}", $opt);
                $passed += $well;
                push @faults, @not;
            }
        }
    }
    return ($passed, @faults);
}

1;
