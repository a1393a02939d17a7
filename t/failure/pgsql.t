# SPDX-License-Identifier: Apache-2.0
# PostgreSQL fails: a table of docs/failure.md.
use SxTest;
use SxTest::BadPeer;
use SxTest::Database;
use SxTest::Failure;

my $database = SxTest::Database->new('pgsql');
my $peer = SxTest::BadPeer->start(before => $database->dir . '/.s.PGSQL.5432');
my $params = 'host=127.0.0.1 port=' . $peer->port . ' user=rich dbname=postgres';
# Once a call has been sent, no driver of APR gives up before TCP does: such a
# peer has a few threads of each process, and no more of them.
sub keeps_a_few
{
    my ($test) = @_;
    my $s = $test->{server};
    my @stuck;
    $peer->does('silent');
    for (1 .. 5) {
        push @stuck, $s->browser->start('/kept/cgi/app',
            header => { Cookie => 'sid=' . $test->{b}->cookie('sid') });
    }
    sleep 2;
    is($test->state_of($test->{b}), 'unavailable',
        'behind five calls that are kept nobody waits');
    my $usual = SxTest::Failure::median(map {
        1000 * $test->{b}->get('/kept/ssi/env.shtml')->elapsed } 1 .. 9);
    cmp_ok($usual, '<', 20, 'not even for a moment');
    $peer->does('refuse');
    is(join(' ', map { $_->finish->env('SESSION_STATUS') } @stuck),
        join(' ', ('unavailable') x 5), 'when their connections end they go on');
    $peer->does('pass');
    ok(defined $test->back_after, 'and then it is over');
    return;
}

SxTest::Failure::check('PostgreSQL', peer => $peer, is_proxied => 1,
    no_deadline => 1, more => ['dbd'], store => 'dbd', also => \&keeps_a_few,
    conf => "DBDriver pgsql\nDBDParams \"$params\"\nDBDMin 0",
    faults => {
        'nobody listens'            => ['refuse'],
        'it closes at each command' => ['drop'],
    });
