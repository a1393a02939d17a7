# SPDX-License-Identifier: Apache-2.0
# SessionExtProvideModSession: what contradicts it, or cannot be, fails httpd -t
# with a sentence; beside another module's sessions it is a matter of scope.
use SxTest;
use SxTest::Refusal;

my $ours = 'SessionExtProvideModSession';
my $on = "SessionExt On\n$ours On\nSession On";

sub at { return "<Location \"$_[0]\">\n$_[1]\n</Location>\n" }

my $s = SxTest::Server->new(more => [qw(session session_cookie dbd session_dbd)]);
my @rivals = ('SessionCookieName sid path=/', 'SessionCookieName2 sid path=/',
    'SessionDBDCookieName sid path=/', 'SessionDBDCookieName2 sid path=/',
    'SessionDBDPerUser On');
SxTest::Refusal::refused($s,
    ["$ours yes", at('/x', "SessionExt On\n$ours yes"), $ours, "'yes'",
        'On and Off'],
    (map { [$_, at('/x', "$on\n$_"), (split / /)[0], $ours, 'httpd.conf:',
            'one of both'] } @rivals),
    ['a rival before it', at('/x', "$rivals[0]\n$on"), 'one of both'],
    ['a rival in a section of it', at('/x', "$on\n<If \"true\">\n$rivals[0]\n</If>"),
        'SessionCookieName', 'one of both'],
    ['a rival beside an IfModule', at('/x', "<IfModule mod_session.c>\n$on\n"
        . "</IfModule>\n$rivals[0]"), 'SessionCookieName', 'one of both'],
    ['a rival in one', at('/x', "$on\n<IfModule mod_session.c>\n$rivals[0]\n"
        . '</IfModule>'), 'SessionCookieName', 'one of both'],
    ['a rival in a virtual host of it',
        "$on\n<VirtualHost *>\nServerName v\n" . at('/', $rivals[0])
        . '</VirtualHost>', 'SessionCookieName', 'one of both'],
    ['sessions off beside it', at('/x', "SessionExt Off\n$ours On")
        . at('/y', 'SessionExt On'), $ours, 'SessionExt On'],
    ['sessions nowhere', at('/x', "$ours On"), $ours, 'SessionExt On'],
    ['no seal', at('/x', "$on\nSessionExtEncrypt Off"), $ours,
        'SessionExtEncrypt On'],
    ['no seal for the same sessions elsewhere', at('/x', $on)
        . at('/y', "SessionExt On\nSessionExtEncrypt Off"),
        'SessionExtEncrypt', $ours, 'another SessionExtNamespace'],
    ['no seal for them in a section', at('/x', $on)
        . at('/y', "SessionExt On\n<If \"true\">\nSessionExtEncrypt Off\n</If>"),
        'SessionExtEncrypt', $ours]);
SxTest::Refusal::accepted($s,
    ['it alone', at('/x', $on)],
    ['a rival in another scope', at('/x', $on)
        . at('/y', "Session On\n$rivals[0]")],
    ['a rival outside of it', "$rivals[0]\n" . at('/x', $on)],
    ['a rival where it is off again',
        at('/x', "$on\n<If \"true\">\n$ours Off\n$rivals[0]\n</If>")],
    ['no seal for other sessions', at('/x', $on)
        . at('/y', "SessionExt On\nSessionExtEncrypt Off\n"
        . 'SessionExtNamespace other')],
    ['no seal in another store', "ShmStore sessions size=8m\n"
        . "ShmStore b size=8m\n" . at('/x', $on)
        . at('/y', "SessionExt On\nSessionExtEncrypt Off\nSessionExtStore shm:b")],
    ['sessions on by a section above it', "SessionExt On\n"
        . at('/x', "$ours On")]);

# Without mod_session, and with it behind us.
my $without = SxTest::Server->new;
SxTest::Refusal::refused($without,
    ['no mod_session', at('/x', "SessionExt On\n$ours On"), $ours,
        'mod_session is not loaded', 'LoadModule']);
SxTest::Refusal::accepted($without,
    ['no mod_session where it is off', at('/x', "SessionExt On\n$ours Off")]);
my $load = 'LoadModule session_module ' . SxTest::Paths::modules_dir()
    . "/mod_session.so\n";
SxTest::Refusal::refused($without,
    ['mod_session behind us', $load . at('/x', $on), $ours, 'comes before']);
SxTest::Refusal::accepted($without,
    ['mod_session behind us where it is off', $load
        . at('/x', "SessionExt On\nSession On")]);

# A rival outside serves what is outside, and we what is ours.
$s->write_conf("SessionCookieName theirs path=/\nSessionHeader X-Session\n"
    . at('/x', $on) . at('/y', 'Session On') . at('/z', "$ours On\nSession On"));
$s->start;
my $b = $s->browser;
$b->get('/x/cgi/app', h => ['X-Session: a=1']);
ok($b->cookie('sid') && !$b->cookie('theirs'), 'sessions in its scope are ours');
$b->forget;
$b->get('/y/cgi/app', h => ['X-Session: a=1']);
ok(!$b->cookie('sid') && $b->cookie('theirs'),
    'outside of it they are the other module\'s');
my $mark = $s->log_mark;
is($b->get('/z/cgi/app', h => ['X-Session: a=1'])->status, 200,
    'where our sessions are off a page is served');
like($s->error_log_since($mark),
    qr/$ours: sessions are off here: it needs SessionExt On/,
    'and the log says so');

# Both modules are loaded anew at a restart.
$b->forget;
$s->graceful;
$b->get('/x/cgi/app', h => ['X-Session: a=1']);
is($b->get('/x/cgi/app')->env('SESSION_VAR_a'), '1',
    'after a restart sessions are ours as before');
SxTest::done();
