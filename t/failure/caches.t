# SPDX-License-Identifier: Apache-2.0
# Caches of this host are always there, but they get full: what docs/failure.md
# says of shmcb and shm_store.  Who was forgotten has ended, everybody else goes
# on, and what is too large changes nothing.
use SxTest;
use Time::HiRes qw(time);

my $SIZE = 8000; # of a session
my @caches = (
    # name, argument, sessions of that size that do not fit together
    ['shmcb', 'run/sessions.cb(524288)', 80],
    ['shm_store', 'sessions.shm(1m)', 160],
);
my $server = SxTest::Server->new(scopes => 1,
    conf => join '', map { <<"END" } @caches);
<Location "/$_->[0]/">
    SessionExt On
    SessionExtStore "socache:$_->[0]:$_->[1]"
    SessionExtCookie name=$_->[0]
</Location>
END
$server->start;

sub app { my ($name, $b, @h) = @_; return $b->get("/$name/cgi/app", h => [@h]) }
sub status { return app(@_)->env('SESSION_STATUS') }
sub said { my ($mark) = @_; return $server->error_log_since($mark) }

sub full
{
    my ($name, $more) = @_;
    my $mark = $server->log_mark;
    my @all = map { $server->browser } 0 .. $more;
    my %told;
    $told{ app($name, $_, 'Session-Set: v=' . 'x' x $SIZE)->status }++ for @all;
    is(join(' ', keys %told), '200', "$name: whoever comes has a session");
    my (@in, @out);
    push @{ status($name, $_) eq 'active' ? \@in : \@out }, $_ for @all;
    ok(@in && @out, "$name: which ends when the cache has no room for all");
    is($in[-1], $all[-1], "$name: not that of the last one");
    status($name, $out[0]) for 1 .. 80;
    is(scalar(grep { status($name, $_) ne 'active' } @in), 0,
        "$name: nor does one because others ask for theirs");
    unlike(said($mark), qr/unavailable|store is full/,
        "$name: the log does not call that a failure");
    return;
}

# Larger than one of the parts in which shmcb has what it has.
sub too_large
{
    my $b = $server->browser;
    app('shmcb', $b, 'Session-Set: n=1');
    my $id = $b->cookie('shmcb');
    my $mark = $server->log_mark;
    my $r = $b->post('/shmcb/cgi/app', h => ['Session-Set: n=2',
        map { "Session-Set: v$_=" . 'x' x 7000 } 1 .. 6]);
    is($r->status, 200, 'what is too large for shmcb is lost');
    like(said($mark), qr/session commands lost: the store is full/, 'says the log');
    is(app('shmcb', $b)->env('SESSION_VAR_n'), '1', 'the session is as it was');
    is($b->cookie('shmcb'), $id, 'and so is its cookie');
    return;
}

too_large();
full(@$_[0, 2]) for @caches;
SxTest::done();
