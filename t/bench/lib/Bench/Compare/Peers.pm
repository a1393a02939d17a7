# SPDX-License-Identifier: Apache-2.0
# Who is compared: by which app, set up how, and what that needs to be there.
package Bench::Compare::Peers;
use strict;
use warnings;
use SxTest::Paths;

# The one that gunicorn and Django of Debian belong to; another may be first in
# PATH.
our $PYTHON = -x '/usr/bin/python3' ? '/usr/bin/python3' : 'python3';

# Peers in httpd have conf, the directives of their <Location>; the others have
# serve, what Bench::Compare::Site starts for them.  DIR is the run's directory.
# ours: must keep all; retry: a status that means "ask again"; quick: also in
# the short form; needs: [what, names of it...].
my @ALL = (
    {name => 'mod_session_ext, Session-Incr', ours => 1, quick => 1,
        sx('incr')},
    {name => 'mod_session_ext, Session-If-Version', ours => 1, retry => 409,
        sx('if-version')},
    {name => 'mod_session_ext, Session-Set only', sx('set')},
    {name => 'mod_session_cookie', app => 'mod_session.php',
        conf => mod_session('SessionCookieName session path=/')},
    {name => 'mod_session_dbd, SQLite', app => 'mod_session.php', dbd => 1,
        conf => mod_session('SessionDBDCookieName session path=/'),
        needs => [[program => 'sqlite3']]},
    {name => 'PHP session_ext', quick => 1, session_ext('lock')},
    {name => 'PHP session_ext, merging', session_ext('merge')},
    {name => 'PHP files', quick => 1, php('save_path=DIR/php')},
    {name => 'PHP Redis', redis('')},
    {name => 'PHP Redis, locking', redis(' redis.session.locking_enabled=1')},
    {name => 'PHP Redis, patient locking',
        redis(' redis.session.locking_enabled=1'
            . ' redis.session.lock_wait_time=20000'
            . ' redis.session.lock_retries=1000'
            . ' redis.session.lock_expire=30')},
    {name => 'PHP memcached', memcached('')},
    {name => 'PHP memcached, no locking',
        memcached(' memcached.sess_locking=0')},
    {name => 'express-session, memory', serve => 'express',
        needs => [[program => 'node', 'npm']]},
    {name => 'express-session, Redis', serve => 'express', redis => 1,
        needs => [[program => 'node', 'npm', 'redis-server']]},
    {name => 'Django, db (SQLite)', django('db')},
    {name => 'Django, file', django('file')},
);

sub sx
{
    my ($how) = @_;
    return (app => 'mod_session_ext.php',
        conf => "SessionExt On\nSetEnv COMPARE_ADD $how\n");
}

sub mod_session
{
    my ($keep) = @_;
    return "Session On\nSessionEnv On\nSessionHeader X-Replace-Session\n"
        . "$keep\n";
}

# Settings of PHP, the first of them of its sessions.
sub php
{
    my ($ini) = @_;
    return (app => 'php_session.php',
        conf => "SetEnv COMPARE_INI \"session.$ini\"\n");
}

# $_SESSION on ours.
sub session_ext
{
    my ($how) = @_;
    my %peer = php('save_handler=session_ext'
        . " session.serialize_handler=session_ext session_ext.concurrency=$how");
    return (%peer, conf => "SessionExt On\nSessionExtPHP On\n$peer{conf}",
        needs => [[extension => 'of ours']]);
}

sub redis
{
    my ($more) = @_;
    return (php("save_handler=redis session.save_path=unix://DIR/redis.sock"
            . $more), redis => 1,
        needs => [[program => 'redis-server'], ['PHP extension' => 'redis']]);
}

sub memcached
{
    my ($more) = @_;
    return (php('save_handler=memcached'
            . " session.save_path=DIR/memcached.sock:0$more"), memcached => 1,
        needs => [[program => 'memcached'], ['PHP extension' => 'memcached']]);
}

sub django
{
    my ($engine) = @_;
    return (serve => 'django', engine => $engine,
        needs => [[program => 'gunicorn'], ['Python module' => 'django']]);
}

sub all { return @ALL }

# ---- what is there -----------------------------------------------------------

sub program
{
    my ($name) = @_;
    return scalar grep { -x "$_/$name" } split /:/, $ENV{PATH};
}

my %has = (
    program => \&program,
    extension => sub { return -e SxTest::Paths::php_extension() },
    'PHP extension' => sub {
        my ($name) = @_;
        my $fpm = SxTest::Paths::fpm() or return 0;
        return qx('$fpm' -m 2>/dev/null) =~ /^\Q$name\E$/m;
    },
    'Python module' => sub {
        my ($name) = @_;
        return system("'$PYTHON' -c 'import $name' 2>/dev/null") == 0;
    },
);

# What a peer lacks here, in words; '' if nothing.
sub lacking
{
    my ($peer) = @_;
    for my $need (@{$peer->{needs} // []}) {
        my ($what, @names) = @$need;
        my ($missing) = grep { !$has{$what}->($_) } @names;
        return "$what $missing not installed" if defined $missing;
    }
    return '';
}

1;
