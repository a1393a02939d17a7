# SPDX-License-Identifier: Apache-2.0
# The session core alone: CPU time and, under callgrind, instructions of the
# parts of a request.
package Bench::Commit;
use strict;
use warnings;
use House;
use lib __FILE__ =~ s|[^/]+/[^/]+\z||r;
use Bench::Table;

my $count = 200;    # of each part under callgrind

my %what = (
    'load' => 'load: id, get, open, decode',
    'load+commit' => 'load, and commit of one increment',
    'load+idle-commit' => 'load, and commit of nothing',
    'id-verify' => 'verify the id',
    'store-get' => 'get from the store',
    'get+open+decode' => 'get, open the seal, decode',
    'decode' => 'decode', 'encode' => 'encode', 'seal' => 'seal',
    'environment' => 'environment for an app',
);

sub instructions
{
    my ($opt, $mode, $part) = @_;
    my $file = "$opt->{dir}/callgrind.out";
    my @command = ('valgrind', '--tool=callgrind', '--quiet',
        '--toggle-collect=measured*', "--callgrind-out-file=$file",
        build() . '/t/bench/commit', $opt->{dir}, $mode, $part, $count);
    my $status = system 'sh', '-c', 'exec "$@" >/dev/null 2>&1', 'sh', @command;
    return unless $status == 0 && open my $in, '<', $file;
    my ($sum) = map { /^(?:summary|totals): (\d+)/ ? $1 : () } <$in>;
    close $in;
    unlink $file;
    return $sum ? $sum / $count : undef;
}

sub tables
{
    my ($opt) = @_;
    print STDERR "commit\n";
    my (%ns, %count, @order);
    for my $mode ('sealed', 'clear') {
        for my $line (run(build() . '/t/bench/commit', $opt->{dir},
                $mode)) {
            my ($part, @v) = split ' ', $line;
            push @order, $part if $mode eq 'sealed';
            $ns{$mode}{$part} = $v[0];
        }
        for my $part ('load', 'load+commit') {
            $count{$mode}{$part} = instructions($opt, $mode, $part);
        }
    }
    my @rows = map {
        my $part = $_;
        [$what{$part}, map({ sprintf '%.2f', $ns{$_}{$part} / 1e3 }
                qw(sealed clear)),
            map { $count{$_}{$part} ? sprintf('%.0f', $count{$_}{$part}) : '' }
                qw(sealed clear)]
    } @order;
    return <<'END' . table(['', 'sealed, us', 'clear, us', 'sealed, instr.',
## The session core alone

CPU time of one request's session without httpd: 1 KB of values, 1 000 sessions
in turns, one of three keys incremented. Instructions are counted by callgrind
and do not depend on the load of the machine.

END
        'clear, instr.'], @rows);
}

1;
