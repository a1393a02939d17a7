#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# The benchmark of the store works: its short form runs, every engine of it has
# its row, and what it says has its form.  What it measures here means nothing.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../lint", "$FindBin::Bin/../lib",
    "$FindBin::Bin/../bench/lib";
use Test::More;
use File::Temp qw(tempdir);
use House;
use Bench::Engine;

my $dir = tempdir(CLEANUP => 1);
my $page = "$dir/performance.md";

# Exit status and all output.
sub bench
{
    my (@args) = @_;
    local $ENV{SXTEST_BUILD} = build();
    my $text = qx(sh '@{[top()]}/t/bench/run' @args 2>&1);
    return ($? >> 8, $text);
}

# The rows of the table under a heading, without its head, as lists of cells.
sub rows
{
    my ($text, $heading) = @_;
    my ($part) = $text =~ /^#+ \Q$heading\E$(.*?)(?=^#|\z)/ms;
    my (undef, undef, @rows) = grep { /^\|/ } split /\n/, $part // '';
    return map { [split / *\| */, s/^\| *//r] } @rows;
}

# ---- what it says of itself -------------------------------------------------
my ($told, $help) = bench('--help');
is($told, 0, 'it can be asked what it does');
like($help, qr/^Everything that .*--write-docs .*^tables\.\n\z/ms,
    'and says it, with its options, and nothing else');

# ---- the short form ----------------------------------------------------------
spew($page, "# old\n\n## The store beside its peers\n\nold\n\n"
    . "## Requests\n\nkept\n\n## Where and how\n\nold\n");
my ($status, $text) = bench('--quick', '--write-docs', "--docs=$dir", 'store');
is($status, 0, 'the short form of the benchmark runs') or diag $text;

my @engines = @Bench::Engine::ALL;
my $number = qr{\d+(?:\.\d+)?};
my $absent = qr{not installed};
my %speed = map { $_->[0] => $_ } rows($text, 'The store beside its peers');
for my $about (@engines) {
    my (undef, $records, $bytes, @cells) = @{$speed{$about->{title}} // []};
    is("@{[$records // '']} @{[$bytes // '']}", '10000 256',
        "$about->{title} has its row");
    my $figures = grep { m{^$number / $number$} } @cells[0 .. 5];
    ok($figures == 6 || $cells[0] =~ $absent,
        "$about->{title} has six figures or says why not");
    like($cells[6] // '', qr/^(?:0|$number(?:e-\d+)? %|-)$/,
        "$about->{title} says how much failed");
    like($cells[7] // '', qr/^(?:$number %|-)$/,
        "$about->{title} says what is found again");
    next unless $about->{name} =~ /^(?:shm|shmcb|table|memcpy)$/;
    unlike("@cells", $absent, "$about->{title} needs nothing to be installed");
}
like($speed{'shm_store'}[-1], qr/^100 %$/, 'all of shm_store is found again');

is(scalar rows($text, 'Memory of a record'), 6, 'memory of every store');
my %storm = map { $_->[0] => $_ } rows($text, 'What kill -9 leaves');
is(scalar keys %storm, 7, 'every store, and one without a lock, is stormed');
is("@{$storm{shm_store}}[1 .. 4]", '3 yes 0 0',
    'shm_store survives kill -9 with nothing lost or torn');
is(scalar rows($text, 'Latency of shm_store'), 1, 'latency has its row');

my ($aims) = $text =~ /^### Beside the aims$(.*?)^Measured/ms;
my @aims = ($aims // '') =~ /^\* (.*(?:\n  .*)*)$/mg;
is(scalar @aims, 22, 'every aim has its line');
none('each says met, missed or not measured',
    grep { !/: (?:met|\*\*missed\*\*|not measured)$/ } @aims);
like($text, qr/^Measured \d.* by `t\/bench\/run --quick/m,
    'when, how and on what is said');

# ---- what it writes ----------------------------------------------------------
my $written = text_of($page);
unlike($written, qr/^old$/m, 'the sections that were measured are renewed');
like($written, qr/^## Requests\n\nkept\n/m, 'the others are kept');
is(scalar(() = $written =~ /^## The store beside/mg), 1,
    'and no section is there twice');
like($written, qr/^## Where and how\n.*make bench-store/ms,
    'the page says how to do it again');
my $svg = text_of("$dir/performance-store.svg");
like($svg, qr{\A<svg .*</svg>\n\z}s, 'there is a drawing');
my @drawn = grep { ($speed{$_->{title}}[3] // '') =~ m{/} } @engines;
is(scalar(() = $svg =~ /<polyline/g), 3 * @drawn,
    'with a line in each panel for each store that was measured');

# ---- the provider of httpd's caches --------------------------------------------
($status, $text) = bench('--quick', 'socache');
is($status, 0, 'that of the socache provider runs') or diag $text;
my %share = map { $_->[0] => $_->[1] } rows($text, 'As a socache provider');
is(join(', ', map { $share{"shm_store, $_"} // 'none' } 'random bytes',
    'hex digits', 'one beginning'), '100 %, 100 %, 100 %',
    'shm_store finds all again, whatever ids look like');
like($share{"shmcb, $_"} // 'none', qr/^$number %$/, "shmcb has a row of $_")
    for 'random bytes', 'hex digits', 'one beginning';

# ---- what may go wrong -------------------------------------------------------
my ($failed, $said) = bench('--quick', 'stoer');
ok($failed, 'a part that is none is refused');
like($said, qr/no part 'stoer': store, http, instructions, commit, socache/,
    'and what is accepted is said');

sub engine_of
{
    my @command = @_;
    no warnings 'redefine';
    local *Bench::Engine::command_of = sub { return @command };
    return Bench::Engine->start({dir => $dir}, 'lmdb',
        {records => 10, bytes => 256});
}
# Those of a process group that live; who inherits a dead one may let it lie.
sub processes_of
{
    my ($group) = @_;
    my @found;
    for my $file (glob '/proc/[0-9]*/stat') {
        my ($state, undef, $its) = split ' ', text_of($file) =~ s/.*\)//sr;
        push @found, $file
            if defined $its && $its == $group && $state !~ /^[ZX]/;
    }
    return @found;
}
my $stuck = engine_of('sh', '-c', 'echo filled failed 0; sleep 100 & wait');
ok($stuck->filled, 'an engine fills itself');
is($stuck->order('get 1 10', 0.2), undef, 'a stuck one gives no answer');
like($stuck->{dead}, qr/no answer/, 'which is said');
none('and all of its processes are gone', processes_of($stuck->{group}));
my $gone = engine_of('/nowhere/store');
ok(!$gone->filled && $gone->{absent} eq 'not installed',
    'a program that is not there is said to be not installed');

done_testing();
