# SPDX-License-Identifier: Apache-2.0
# Sessions outlive graceful restarts, hard restarts, stop and start, and the
# death of every process at once.
use SxTest;

my $s = SxTest::Server->new(scopes => 1);
my @browsers = map { $s->browser } 1 .. 20;

sub is_there
{
    my ($after) = @_;
    my @seen = map { $_->get('/s/cgi/app')->env('SESSION_VAR_n') } @browsers;
    is(join(' ', map { defined $_ ? $_ : '-' } @seen),
        join(' ', 1 .. @browsers), "every session is there after $after");
    my $r = $browsers[0]->get('/s/cgi/app', h => ['Session-Incr: count=1']);
    is($r->status, 200, "and can be written after $after");
    return;
}

$s->start;
$browsers[$_ - 1]->get('/s/cgi/app', h => ["Session-Set: n=$_"])
    for 1 .. @browsers;
$s->graceful;
is_there('a graceful restart');
$s->hup;
is_there('a hard restart');
$s->stop;
$s->start;
is_there('stop and start');
$s->stop('WINCH');
$s->start;
is_there('a graceful stop and a start');

my @all = ($s->pid, $s->children);
kill KILL => @all;
waitpid $s->pid, 0;
my $mark = $s->log_mark;
$s->stop;
$s->start;
is_there('every process was killed');
like($s->error_log_since($mark), qr/ShmStore 'sessions': taken over with 20 /,
    'the log says how many sessions were found');
is($browsers[0]->get('/s/cgi/app')->env('SESSION_VAR_count'), '5',
    'and no write was lost');
SxTest::done();
