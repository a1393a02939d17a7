# SPDX-License-Identifier: Apache-2.0
# What the results of the runs say: which tests passed, which failed, and
# whether those that are left out are left out for the reason that is given.
package Phpt::Judge;
use strict;
use warnings;

# Also a test that PHP's authors expect to fail, and that does.
sub passed
{
    my ($result) = @_;
    return ($result // '') =~ /^(?:PASSED|XFAILED)$/;
}

# What is wrong with leaving out a test: its results, by run, and its line.
sub left_out
{
    my ($of, $kind, $run) = @_;
    return 'passes on ours: its line must go' if passed($of->{$run});
    return 'passes on files: it is not PHP that fails'
        if $kind eq 'php' && passed($of->{files});
    return 'passes on files in strict mode: it is not for its id'
        if $kind eq 'id' && passed($of->{strict});
    return 'has no id in a URL' if $kind eq 'url' && !$of->{has_url};
    return;
}

# One test in one run: what is wrong, and as what it counts.
sub verdict
{
    my ($of, $row, $run) = @_;
    if ($of->{files} eq 'SKIPPED') {
        my $fault = $row ? 'is skipped by itself: its line must go' : undef;
        return ($fault, 'skipped');
    }
    # The text of PHP's serializer is seen where that is in use.
    $row = undef if $row && $row->{kind} eq 'text' && $run eq 'ours';
    # Of the others it was said before.
    return (undef, 'excluded')
        if $row && $row->{kind} ne 'text' && $run eq 'own';
    return (scalar left_out($of, $row->{kind}, $run), 'excluded') if $row;
    return 'fails on files, too, and has no line' if !passed($of->{files});
    return (undef, 'passed') if passed($of->{$run});
    return 'fails: ' . lc($of->{$run} // 'was not run');
}

# result  {files => {NAME => RESULT}, strict => ..., ours => ..., own => ...,
#         has_url => ...}
# rows    of Phpt::Exclude
# run     whose results are judged: ours, or own for our own serializer
# Returns the counts, passed, failed, skipped, excluded and kind, and a list of
# [NAME, what is wrong].
sub judge
{
    my ($result, $rows, $run) = @_;
    my %count = map { $_ => 0 } qw(passed failed skipped excluded);
    my @faults;
    my %left = %$rows;
    for my $name (sort keys %{$result->{files}}) {
        my %of = map { $_ => $result->{$_}{$name} } keys %$result;
        my $row = delete $left{$name};
        my ($what, $counts) = verdict(\%of, $row, $run);
        $count{$counts}++ if $counts;
        $count{kind}{$row->{kind}}++ if ($counts // '') eq 'excluded';
        push @faults, [$name, $what] if $what;
    }
    push @faults, map { [$_, 'is no test of this PHP: its line must go'] }
        $run eq 'ours' ? sort keys %left : ();
    $count{failed} = @faults;
    return (\%count, @faults);
}

1;
