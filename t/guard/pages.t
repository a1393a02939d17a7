#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# What the pages point at exists: commands that they tell people to type (goals
# of bootstrap, targets of the makefile, programs of the tree), and headings
# that they link to.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../lint";
use Test::More;
use House;

my ($goals) = slurp('bootstrap')
    =~ /^ *((?:[\w-]+ \| (?:\\\s+)?)+[\w-]+)\) goal=/m;
my %goal = map { $_ => 1 } split / \| (?:\\\s+)?/, $goals // '';
my %target = map { $_ => 1 } slurp('Makefile.in') =~ /^([a-z-]+):/mg;
ok($goal{demo}, 'the goals of bootstrap are found');
ok($target{install}, 'the targets of the makefile are found');

# Programs that are made, or that stand elsewhere; those of the tree must be
# there.
my %MADE = map { $_ => 1 } qw(./configure ../configure);

# What is wrong with one command line, or nothing.
sub wrong
{
    my ($line) = @_;
    my ($program, @words) = split ' ', $line =~ s/\s#.*//r;
    my @names = grep { /^[a-z]/ && !/=/ } @words;
    return grep { !$goal{$_} } @names if $program eq './bootstrap';
    return grep { !$target{$_} } @names if $program eq 'make';
    return if $program !~ m{/} || $MADE{$program};
    return -x top() . "/$program" ? () : $program;
}

# The command lines of a page's unmarked "sh" fences.
sub commands
{
    my ($page) = @_;
    my @blocks = slurp($page) =~ /^```sh\n(.*?)^```$/msg;
    return grep { /\S/ && !/^\s*#/ }
        map { split /\s*(?:&&|;|\n)\s*/ } map { s/\\\n/ /gr } @blocks;
}

my @pages = files('{README,CONTRIBUTING}.md', 't/README.md', 'docs/*.md');
my @all = map { my $page = $_; map { [$page, $_] } commands($page) } @pages;
cmp_ok(scalar @all, '>', 4, 'the pages show commands');
none('every command on a page exists',
    map { my ($page, $line) = @$_; wrong($line) ? "$page: $line" : () } @all);

ok(wrong('./bootstrap fly'), 'a goal that is none is noticed');
ok(wrong('make DESTDIR=/x coffee'), 'so is a target that is none');
ok(wrong('t/nothing --fast'), 'and a program that is not there');

# --- headings -----------------------------------------------------------------
# A heading as a link names it, by the rules of GitHub.
sub anchor
{
    my ($heading) = @_;
    return lc($heading) =~ s/[^\w\s-]//gr =~ s/\s/-/gr;
}

sub anchors
{
    my ($page) = @_;
    my $text = slurp($page) =~ s/^```.*?^```$//gmsr;
    return { map { anchor($_) => 1 } $text =~ /^#+ +(.*?) *$/mg };
}

my %anchors = map { $_ => anchors($_) } @pages;
my $links = 0;

# Links of a page to headings that are not there.
sub dead
{
    my ($page) = @_;
    my ($dir) = $page =~ m{^(.*/)};
    my @dead;
    for my $link (slurp($page) =~ /\]\(([\w.\/-]*#[^)\s]+)\)/g) {
        my ($file, $name) = split /#/, $link, 2;
        my $target = $file eq '' ? $page : ($dir // '') . $file;
        $links++;
        push @dead, "$page: $link" unless ($anchors{$target} || {})->{$name};
    }
    return @dead;
}
none('every link to a heading finds it', map { dead($_) } @pages);
cmp_ok($links, '>', 10, 'and there are such links');
is(anchor('`SESSION_VAR_<key>`'), 'session_var_key', 'as GitHub names them');

done_testing();
