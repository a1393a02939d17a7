# SPDX-License-Identifier: Apache-2.0
# A store of another layout, as another build of the module has it: while
# children of before use it, new ones are unavailable, and the log says why,
# once. When the last of them has let go the new ones take it by themselves, and
# with a snapshot the sessions are there.
use SxTest;
use SxTest::Tool qw(tool);
use Time::HiRes qw(sleep);

my $s = SxTest::Server->new;
my ($uid) = (getpwnam $s->{user})[2];
my ($store, $dir, $keys) = map { $s->root . "/$_" } qw(x.shm var keys);
mkdir $dir, 0700;
chown $uid, -1, $dir if !$>;
tool('keygen', $keys);

sub conf
{
    my ($words) = @_;
    return "ShmStore sessions size=2m file=$store $words\n"
        . "SessionExtKeyFile $keys\n<Location /s/>\nSessionExt On\n"
        . "</Location>\n";
}

# A word of the header says which layout it is; its sum does not fit any more.
sub other_layout
{
    open my $io, '+<:raw', $store or die "$store: $!\n";
    seek $io, 8, 0;
    print $io pack 'L<', 99;
    close $io or die "$store: $!\n";
    return;
}

# A request of the old generation stands at a door while the new one begins.
sub upgrade
{
    my ($words) = @_;
    $s->write_conf(conf($words));
    $s->start;
    my $b = $s->browser;
    $b->get('/s/cgi/app', h => ['Session-Set: n=7']);
    my $old = $b->clone->start('/s/cgi/app', wait => 'door',
        h => ['Session-Set: late=1']);
    SxTest::reached('door');
    other_layout();
    my $mark = $s->log_mark;
    $s->graceful;
    SxTest::becomes($b, 'SESSION_STATUS', 'unavailable',
        'new children do not touch what they do not know');
    sleep 2.5;
    my @told = $s->error_log_since($mark)
        =~ /\[pid (\d+).*unavailable in this process.*layout version 99/g;
    my %times;
    $times{$_}++ for @told;
    ok(@told && !grep({ $_ > 1 } values %times),
        'the log says why, and each process once');
    SxTest::release('door');
    is($old->finish->status, 200, 'the old request ends well');
    return ($b, $mark);
}

my ($b, $mark) = upgrade("snapshot=$dir/snap");
SxTest::becomes($b, 'SESSION_VAR_n', '7',
    'when the last child of before has gone, the session is there');
is(SxTest::seen($b, 'SESSION_VAR_late'), '1', 'with its last write');
like($s->error_log_since($mark),
    qr/ShmStore 'sessions': begun afresh: it has layout version 99/,
    'the store was begun afresh');
like($s->error_log_since($mark), qr/ShmStore 'sessions': 1 records came back/,
    'from what the last process has left');
like($s->error_log_since($mark), qr/is available in this process now/,
    'and the log says that it is there again');
$b->get('/s/cgi/app', h => ['Session-Set: n=8']);
is(SxTest::seen($b, 'SESSION_VAR_n'), '8', 'it can be written');
$s->stop;
unlink $store;

($b, $mark) = upgrade('');
SxTest::becomes($b, 'SESSION_STATUS', 'invalid',
    'without a snapshot the store begins empty');
$b->get('/s/cgi/app', h => ['Session-Set: n=9']);
is(SxTest::seen($b, 'SESSION_VAR_n'), '9',
    'and works, without another restart');
SxTest::done();
