# SPDX-License-Identifier: Apache-2.0
# A store's file that is cut off while the server runs: no process dies, requests
# find it unavailable, the log says once what happened and what to do, and what
# it says helps.
use SxTest;
use SxTest::Storm;
use Time::HiRes qw(sleep time);

my $s = SxTest::Storm::server(start => 2);
my $APP = SxTest::Storm::app();
$s->write_conf("ShmStore sessions size=1m\n"
    . "<Location /s/>\nSessionExt On\n</Location>\n");
my $file = $s->runtime_dir . '/session_ext-sessions.shm';

sub status_of
{
    return $_[0]->get($APP)->env('SESSION_STATUS') // '-';
}

for my $left (0, 2**19) {
    unlink $s->log_file;
    $s->start;
    my @b = map { $s->browser } 1 .. 4;
    $_->get($APP, h => ['Session-Set: a=1']) for @b;
    is(status_of($_), 'active', "a session, with $left bytes to be left")
        for @b;
    my @before = sort $s->children;
    truncate $file, $left or die "$file: $!\n";
    # Where no session lies that is asked for, a look at the file tells.
    sleep 2.5 if $left;
    my @answers = SxTest::parallel(3, sub {
        return map { status_of($_) } (@b) x 10;
    });
    my %seen = map { $_ => 1 } map { ref $_ ? @$_ : split ' ', $_ } @answers;
    sleep 2.5;
    is(status_of($_), 'unavailable', 'the store is unavailable') for @b;
    ok(!$seen{none} && !$seen{invalid}, 'and nobody is told that he has none')
        or diag(join ' ', keys %seen);
    my %now = map { $_ => 1 } $s->children;
    is(scalar(grep { !$now{$_} } @before), 0, 'no child has died');
    my @said = grep { /cut off/ } split /\n/, $s->error_log;
    is(scalar @said, 1, 'the log says it once') or diag(join "\n", @said);
    like($said[0] // '', qr/ShmStore 'sessions'.*\Q$file\E.*Stop and start/,
        'and what to do');
    unlike($s->error_log, qr/exit signal/, 'and of no death');
    $s->graceful;
    is(status_of($b[0]), 'unavailable', 'a graceful restart leaves it at that');
    $s->stop;
    $s->start;
    $b[0]->get($APP, h => ['Session-Set: a=2']);
    is($b[0]->get($APP)->env('SESSION_VAR_a'), '2',
        'a stop and a start begin it anew');
    $s->stop;
}
SxTest::done();
