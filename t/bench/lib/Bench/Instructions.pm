# SPDX-License-Identifier: Apache-2.0
# Instructions that a whole httpd takes for one request, counted by callgrind:
# they tell of the code, where CPU times tell of the machine's mood as well.
# Of the kernel they tell nothing.
package Bench::Instructions;
use strict;
use warnings;
use lib __FILE__ =~ s|[^/]+/[^/]+\z||r;
use POSIX qw(setgid setuid _exit);
use SxTest::Paths;
use Bench::Http;
use Bench::Server;
use Bench::Table;

my $requests = 100;

my @cases = (
    ['static file', '/bare/1k.txt', ''],
    ['static file, a header set', '/hdr/1k.txt', ''],
    ['mod_session_ext, no cookie', '/none/1k.txt', ''],
    ['mod_session_ext read', '/sx/1k.txt', 'sx'],
    ['mod_session_ext read+write', '/sxw/1k.txt', 'sx'],
    ['mod_session_cookie read', '/ck/1k.txt', 'ck'],
    ['mod_session_cookie save', '/cks/1k.txt', 'ck'],
    ['static file, 8 KB of "a;"', '/bare/1k.txt', 'junk'],
    ['mod_session_ext, 8 KB of "a;"', '/none/1k.txt', 'junk'],
);

# Under ap_process_request only: no start, no waiting, no other connection's.
sub count_one
{
    my ($server, $path, @cookies) = @_;
    my $file = "$server->{root}/callgrind.out";
    $server->{before} = ['valgrind', '--tool=callgrind', '--quiet',
        '--toggle-collect=ap_process_request', "--callgrind-out-file=$file"];
    $server->launch('-X');
    my $asked = 1;    # by launch
    for (1 .. $requests) {
        $server->get($path, $cookies[$asked++ % @cookies]);
    }
    $server->stop;
    open my $in, '<', $file or return;
    my ($sum) = map { /^(?:summary|totals): (\d+)/ ? $1 : () } <$in>;
    close $in;
    unlink $file;
    return $sum ? $sum / $requests : undef;
}

# httpd gives up its rights after callgrind has opened its file, and could not
# write it then; so the whole of this is done without them.
sub count_all
{
    my ($root) = @_;
    my $server = Bench::Server->new(root => $root, mpm => 'prefork', lean => 1);
    $server->start;
    my $cookies = Bench::Http::make_sessions($server, 50);
    $cookies->{junk} = ['a;' x 4_080];
    $server->stop;
    return map { count_one($server, $_->[1], @{$cookies->{$_->[2]}}) } @cases;
}

sub in_child
{
    my ($root, $user) = @_;
    my $pid = open(my $pipe, '-|') // die "fork: $!\n";
    if (!$pid) {
        my $ok = eval {
            if (!$>) {
                $) = "$user->{gid} $user->{gid}";
                setgid($user->{gid}) && setuid($user->{uid}) or die "uid: $!\n";
            }
            print join(' ', count_all($root)), "\n";
            1;
        };
        print STDERR "instructions: $@" unless $ok;
        close STDOUT;
        _exit($ok ? 0 : 1);
    }
    my $line = <$pipe> // '';
    close $pipe;
    return split ' ', $line;
}

sub tables
{
    my ($opt) = @_;
    print STDERR "instructions\n";
    my $root = "$opt->{dir}/instructions";
    my $user = SxTest::Paths::test_user();
    mkdir $root or die "$root: $!\n";
    chown $user->{uid}, $user->{gid}, $root unless $>;
    my @count = in_child($root, $user);
    return "Instructions were not counted: no valgrind here?\n"
        unless @count == @cases;
    my @rows = map {
        [$cases[$_][0], sprintf('%.0f', $count[$_] / 1e3),
            sprintf('%+.1f', ($count[$_] - $count[0]) / 1e3)]
    } 0 .. $#cases;
    return <<'END' . table(['', '1000 instr.', 'over bare'], @rows);
## Requests in instructions

User-space instructions of one request in httpd (prefork, one process), counted
by callgrind in ap_process_request; the load of the machine does not change
them. The same sessions and scopes as above. The last two rows are for a visitor
who fills a whole header line with cookies that are none: what the module adds
to that is what looking for its own among them costs.

END
}

1;
