#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# The comparison works: its short form runs ours beside PHP's files, sees what
# it is there to see, and fails when ours is not as it must be.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../lint", "$FindBin::Bin/../lib",
    "$FindBin::Bin/../bench/lib";
use Test::More;
use File::Temp qw(tempdir);
use House;
use Bench::Compare;
use Bench::Page;

my $dir = tempdir(CLEANUP => 1);
my $page = "$dir/comparison.md";
# Open to the servers' user.
mkdir "$dir/tmp";
chmod 0755, $dir, "$dir/tmp";
my $ours = 'mod_session_ext, Session-Incr';

# Exit status and all output.
sub compare
{
    my (@args) = @_;
    local @ENV{qw(SXTEST_BUILD SXTEST_TMP)} = (build(), "$dir/tmp");
    my $text = qx('$^X' '@{[top()]}/t/bench/compare.pl' @args 2>&1);
    return ($? >> 8, $text);
}

# The cells of each row of a table, by its first one.
sub rows
{
    my ($text) = @_;
    my @rows = map { [split / *\| */, s/^\| *//r] }
        grep { /^\|/ } split /\n/, $text;
    return map { $_->[0] => $_ } @rows;
}

# ---- the short form ----------------------------------------------------------
spew($page, "by hand\n\n<!-- measured -->\nold\n<!-- end of measured -->\n\n"
    . "also by hand\n");
my ($status, $text) = compare('--quick', '--write-docs', "--docs=$dir");
is($status, 0, 'ours is as it must be') or diag $text;
my %row = rows($text);
is("@{$row{$ours} // []}[1 .. 3]", '24 0 0', 'ours keeps all, refuses none');
is("@{$row{$ours} // []}[5, 6]", '0 / 0 0 / 0',
    'nobody is logged in again, and no answer is an error');
cmp_ok($row{$ours}[8] // 9e9, '<', 500, 'nobody waits for a slow request');
is($row{$ours}[9] // '', '0', 'and each sees its session');
my $files = $row{'PHP files'} // [];
is("@{$files}[1 .. 3]", '24 0 0', 'files of PHP keep all');
cmp_ok($files->[7] // 0, '>', 800, 'for which all wait: a wait is seen');
like($text, qr/^Measured \d.* by `make bench-compare BENCHFLAGS=--quick/m,
    'when, how and on what is said');
like($text, qr/^Versions: httpd \d.*PHP \d/m, 'and of which versions');
my $written = text_of($page);
like($written, qr/\Aby\ hand\n\n<!--\ measured\ -->\n.*^\|\ \Q$ours\E
    .*^<!--\ end\ of\ measured\ -->\n\nalso\ by\ hand\n\z/msx,
    'the page is renewed between its marks, which stay');
unlike($written, qr/^old$/m, 'where nothing old is left');

# ---- an app that does all wrong ----------------------------------------------
system('cp', '-R', top() . '/t/bench/compare', "$dir/apps") == 0
    && system('chmod', '-R', 'u+w', "$dir/apps") == 0 or die;
my $app = "$dir/apps/mod_session_ext.php";
my $bad = text_of($app);
$bad =~ s/header\('Session-Incr: n=1'\)/header('Session-Set: n=' . (\$n + 1))/
    or die;
$bad =~ s/header\('Session-Destroy: on'\)/header('Session-Unset: late')/
    or die;
# Fast requests are slow once a slow one stands at its barrier.
$bad =~ s/(function read\(\): void\n\{\n)/$1    lag();\n/ or die;
$bad =~ s/(?=^function show)/<<'END'/me or die;
function lag(): void
{
    if (glob($_SERVER['SXTEST_BARRIERS'] . '/*hold*.at')) {
        usleep(700000);
    }
}

END
spew($app, $bad);
($status, $text) = compare('--quick', "--only='^\Q$ours\E'",
    "--apps=$dir/apps");
is($status, 1, 'an app that does all wrong fails the run');
my @said = $text =~ /^bench-compare: \Q$ours\E: (.*)/mg;
my @wrong = (qr/^kept \d+ of 24 increments$/,
    qr/^2 of 2 old cookies and 2 browsers are logged in after the log-out$/,
    qr/^a fast request waited \d+ ms for a slow one$/);
for my $n (0 .. $#wrong) {
    like($said[$n] // '', $wrong[$n], "and says what is wrong, $n");
}
is(scalar @said, 3, 'all that is wrong, and nothing else');
%row = rows($text);
cmp_ok($row{$ours}[3] // 0, '>', 0, 'what was lost and not said is counted');

# ---- what must hold, one by one ----------------------------------------------
sub faults_with
{
    my ($part, %other) = @_;
    my %got = (
        add => {kept => 24, answered => 24, failed => 0},
        out => {cookie => 0, browser => 0, slow_failed => 0, out_failed => 0},
        hold => {waits => [0.01, 0.02], without => 0},
    );
    $got{$part} = {%{$got{$part}}, %other} if $part;
    return Bench::Compare::faults({adds => 24, log_outs => 2, hold => 1},
        {name => 'x', got => \%got});
}
none('no fault, nothing said', faults_with());
for my $case (['add', kept => 23], ['add', failed => 1], ['out', cookie => 1],
    ['out', browser => 1], ['out', slow_failed => 1], ['out', out_failed => 1],
    ['hold', waits => [0.01, 0.6]], ['hold', without => 1])
{
    is(scalar faults_with(@$case), 1, "a fault: $case->[0], $case->[1]");
}
like((Bench::Compare::faults({}, {name => 'x', absent => 'failed: y'}))[0],
    qr/^x: failed: y$/, 'not to be there is one');

# ---- who is not there -------------------------------------------------------
is(Bench::Compare::Peers::lacking({needs => [[program => 'sh', 'nowhere']]}),
    'program nowhere not installed', 'what a peer lacks is named');
is(Bench::Compare::Peers::lacking({needs => [[program => 'sh']]}), '',
    'and nothing else');
system('cp', top() . '/t/bench/compare/mod_session_ext.php', $app) == 0 or die;
spew("$dir/apps/php_session.php", "<?php no such language\n");
($status, $text) = compare('--quick', "--apps=$dir/apps");
is($status, 0, 'a peer that does not work does not stop the run');
%row = rows($text);
like($row{'PHP files'}[1] // '', qr/^failed: log-in answered 500/,
    'its row says why');
is($row{$ours}[1] // '', 24, 'and ours has its figures');

# ---- what may go wrong -------------------------------------------------------
($status, $text) = compare('--only=nobody');
ok($status, 'a name that nobody has is refused');
like($text, qr/no peer's name matches 'nobody'/, 'and named');
($status, $text) = compare('--quick', 'stoer');
is($status, 2, 'a word that is no option is refused');
like($text, qr/'stoer' is no option/, 'and named');
spew($page, "without marks\n");
ok(!eval { Bench::Page::renew_between($page, 'new'); 1 },
    'a page without marks is left alone');
is(text_of($page), "without marks\n", 'as it was');

none('nothing is left behind', glob "$dir/tmp/*");

done_testing();
