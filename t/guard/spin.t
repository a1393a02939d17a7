#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# Each model of t/spin holds in every state there is, in each of its scenes; and
# with one rule broken (each #ifdef of it) it does not.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../lint";
use File::Temp qw(tempdir);
use Test::More;
use House;

plan skip_all => 'spin is not installed'
    unless grep { -x "$_/spin" } split /:/, $ENV{PATH};

my $tmp = tempdir('sxs-XXXXXX', DIR => $ENV{SXTEST_TMP} || '/tmp',
    CLEANUP => 1);
my @models = files('t/spin/*.pml');
cmp_ok(scalar @models, '>', 1, 'there are models');
chdir $tmp or die "$tmp: $!\n";

# What the search says with these macros. A mutant is found at once, so the
# compiler's time is what counts; a whole search is worth -O2.
sub search
{
    my ($model, $whole, @macros) = @_;
    my $live = slurp($model) =~ /^ltl /m;
    my $say = join ' ', map { "-D$_" } @macros;
    my $cc = make_var('CC') . ' -w ' . ($whole ? '-O2' : '-O0')
        . ($live ? ' -DNFAIR=4' : ' -DSAFETY') . ' -DVECTORSZ=512';
    my $pan = './pan -m200000 -w22' . ($live ? ' -a -f' : '');
    my $said = qx(spin $say -a '@{[top()]}/$model' 2>&1 &&
        $cc -o pan pan.c 2>&1 && timeout 300 $pan 2>&1);
    my ($errors) = $said =~ /errors: (\d+)/;
    my ($states) = $said =~ /(\d+) states, stored/;
    undef $errors if $said =~ /not completed|max search depth/ && !$errors;
    return ($errors, $states // 0, $said);
}

for my $model (@models) {
    my $text = slurp($model);
    my %scene = map { $_ => 1 } $text =~ /\bSCENE == (\d+)/g;
    my @scenes = %scene ? map { "SCENE=$_" } 1 .. 1 + keys %scene : ('ALONE');
    for my $scene (@scenes) {
        my ($errors, $states, $said) = search($model, 1, $scene);
        ok(defined $errors && $errors == 0,
            "$model $scene: nothing is wrong in $states states")
            or diag($said);
    }
    my %broken = map { $_ => 1 } $text =~ /^#ifn?def (\w+)/mg;
    cmp_ok(scalar keys %broken, '>', 1, "$model: there are ways to break it");
    for my $rule (sort keys %broken) {
        my ($errors) = (0);
        for my $scene (reverse @scenes) {
            ($errors) = search($model, 0, $rule, $scene);
            last if $errors;
        }
        ok($errors, "$model: $rule is noticed");
    }
}

done_testing();
