# SPDX-License-Identifier: Apache-2.0
# A graceful restart takes new stores and sizes; one that cannot be had leaves
# the site up and what worked before working, and the log says why.
use SxTest;

my $s = SxTest::Server->new;
my $run = $s->runtime_dir;
my $b = $s->browser;
my $SCOPE = "<Location /s/>\nSessionExt On\n</Location>\n";
my $OTHER = "<Location /o/>\nSessionExt On\nSessionExtStore shm:other\n"
    . "SessionExtCookie name=other\n</Location>\n";

# What the log says to a reload of this configuration.
sub reload
{
    my ($conf) = @_;
    my $mark = $s->log_mark;
    $s->write_conf($conf);
    $s->graceful;
    # A child says what it found in a store at its first request at the latest.
    $b->get('/x/static/1k.txt');
    return $s->error_log_since($mark);
}

sub seen { return $b->get("/$_[0]/cgi/app")->env('SESSION_VAR_a') }

symlink '/dev/null', "$run/session_ext-sessions.shm";
$s->write_conf('')->start;
like(reload("ShmStore sessions size=1m\n$SCOPE"),
    qr/ShmStore 'sessions'.*symbolic link/,
    'sessions begun at a reload with a bad file: the log says why');
is($b->get('/x/static/1k.txt')->status, 200, 'the site stays up');
my $r = $b->get('/s/cgi/app', h => ['Session-Set: a=1']);
is($r->status, 200, 'its apps run');
is($r->header('Set-Cookie'), undef, 'no session can begin');

unlink "$run/session_ext-sessions.shm";
reload("ShmStore sessions size=1m\n$SCOPE");
$b->get('/s/cgi/app', h => ['Session-Set: a=1']);
is(seen('s'), '1', 'mended at a further reload, sessions work');

symlink '/dev/null', "$run/session_ext-other.shm";
like(reload("ShmStore sessions size=1m\nShmStore other size=1m\n$SCOPE$OTHER"),
    qr/ShmStore 'other'.*symbolic link/,
    'a second store with a bad file: the log says why');
is(seen('s'), '1', 'the first store goes on');
$b->set_cookie(other => $b->cookie('sid'));
is($b->get('/o/cgi/app')->env('SESSION_STATUS'), 'unavailable',
    'the second is unavailable');
unlink "$run/session_ext-other.shm";
reload("ShmStore sessions size=1m\nShmStore other size=1m\n$SCOPE$OTHER");
$b->get('/o/cgi/app', h => ['Session-Set: a=2']);
is(seen('o'), '2', 'a store can be added by a reload');
is(seen('s'), '1', 'beside the one that was there');

reload("ShmStore sessions size=3m\n$SCOPE");
is(-s "$run/session_ext-sessions.shm", 3 * 2**20,
    'a larger size grows the file in place');
is(seen('s'), '1', 'with the session in it');
like(reload("ShmStore sessions size=1m\n$SCOPE"),
    qr/ShmStore 'sessions'.*smaller size.*next start/,
    'a smaller size waits for the next start, says the log');
is(seen('s'), '1', 'and the session is there');
like(reload("ShmStore sessions size=3m file=run/new.shm\n$SCOPE"),
    qr/ShmStore 'sessions'.*file=.*next start.*session_ext-sessions\.shm/,
    'another file waits for the next start, says the log');
is(seen('s'), '1', 'and the old one goes on');
like(reload("$SCOPE<Location /y>\nSessionExt On\nSessionExtStore shm:nope\n"
    . '</Location>'), qr/SessionExtStore.*'nope'/,
    'an unknown store at a reload: the log says so');
is(seen('s'), '1', 'and what is right goes on');
SxTest::done();
