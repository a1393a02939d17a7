# SPDX-License-Identifier: Apache-2.0
# The servers of a comparison: one httpd and one php-fpm for all who live there,
# and what the others need, started when it is their turn.
package Bench::Compare::Site;
use strict;
use warnings;
use SxTest::Daemon;
use SxTest::Paths;
use SxTest::Progress;
use SxTest::Server;
use lib __FILE__ =~ s|(?:[^/]+/){2}[^/]+\z||r;
use Bench::Compare::Peers;

# apps: where they are; peers: those that are to be there.
sub new
{
    my ($class, %opt) = @_;
    my $dbd = grep { $_->{dbd} } @{$opt{peers}};
    my $session = grep { ($_->{conf} // '') =~ /^Session On/m } @{$opt{peers}};
    my @more = (('session', 'session_cookie') x !!$session,
        ('dbd', 'session_dbd') x !!$dbd);
    # Our extension is there for who asks for it.
    my $ours = -e SxTest::Paths::php_extension()
        ? "session.save_handler = files\nsession.serialize_handler = php\n"
            . "display_errors = Off\n"
        : undef;
    my $server = SxTest::Server->new(mpm => 'event', php => 1,
        php_ini => $ours, more => \@more);
    die "no php-fpm here\n" unless $server->{fpm};
    my $self = bless {%opt, server => $server, dbd => $dbd,
        dir => $server->root . '/compare'}, $class;
    $self->fill;
    $server->write_conf($self->conf);
    $server->start;
    # It opens store and keys, which are there now, while it is root.
    $server->{fpm}->stop;
    $server->{fpm}->start;
    return $self;
}

sub fill
{
    my ($self) = @_;
    my $dir = $self->{dir};
    system('cp', '-R', $self->{apps}, $dir) == 0 or die "cannot fill $dir\n";
    # Also from a tree that nobody can write to.
    system('chmod', '-R', 'u+w,a+rX', $dir);
    mkdir "$dir/php" or die "$dir/php: $!\n";
    if (!$>) {
        my $who = SxTest::Paths::test_user();
        chown $who->{uid}, $who->{gid}, $dir, "$dir/php", "$dir/express"
            or die "$dir: $!\n";
    }
    $self->as_user('sqlite3', $dir, 'sqlite3', "$dir/session.db",
        'CREATE TABLE session'
            . ' (key TEXT PRIMARY KEY, value TEXT, expiry INTEGER)')
        if $self->{dbd};
    return;
}

# A command that ends, as the user of the servers.
sub as_user
{
    my ($self, $name, $dir, @command) = @_;
    SxTest::Daemon->run(name => $name, dir => $dir, command => \@command);
    return;
}

sub place
{
    my ($self, $peer) = @_;
    my ($n) = grep { $self->{peers}[$_] == $peer } 0 .. $#{$self->{peers}};
    return "/peer$n";
}

# As many lines in the log as any server would write, not those of the tests.
sub conf
{
    my ($self) = @_;
    my $text = "LogLevel warn session_ext:warn\n"
        . "ShmStore sessions size=16m\n"
        . "AliasMatch \"^/peer\\d+/(\\w+\\.php)\$\" \"$self->{dir}/\$1\"\n";
    $text .= $self->database if $self->{dbd};
    for my $peer (grep { $_->{conf} } @{$self->{peers}}) {
        my $conf = $peer->{conf} =~ s/DIR/$self->{dir}/gr;
        $text .= "<Location \"@{[$self->place($peer)]}/\">\n$conf</Location>\n";
    }
    return $text;
}

sub database
{
    my ($self) = @_;
    return <<"END";
DBDriver sqlite3
DBDParams $self->{dir}/session.db
DBDPrepareSQL "delete from session where key = %s" deletesession
DBDPrepareSQL "update session set value = %s, expiry = %lld, key = %s where key = %s" updatesession
DBDPrepareSQL "insert into session (value, expiry, key) values (%s, %lld, %s)" insertsession
DBDPrepareSQL "select value from session where key = %s and (expiry = 0 or expiry > %lld)" selectsession
DBDPrepareSQL "delete from session where expiry != 0 and expiry < %lld" cleansession
END
}

# ---- a peer's turn -----------------------------------------------------------

# Port and path of a peer's app, which answers from now on.
sub serve
{
    my ($self, $peer) = @_;
    $self->redis if $peer->{redis};
    $self->memcached if $peer->{memcached};
    return ($self->{server}->port, $self->place($peer) . "/$peer->{app}")
        if $peer->{conf};
    my $serve = $peer->{serve};
    return ($self->$serve($peer), '/');
}

# Its turn is over.
sub rest
{
    my ($self) = @_;
    my $app = delete $self->{app} or return;
    $app->stop;
    return;
}

sub redis
{
    my ($self) = @_;
    my $socket = "$self->{dir}/redis.sock";
    $self->{redis} //= SxTest::Daemon->start(name => 'redis',
        dir => $self->{dir}, socket => $socket,
        command => ['redis-server', '--port', 0, '--unixsocket', $socket,
            '--unixsocketperm', 700, '--save', '', '--appendonly', 'no']);
    return;
}

sub memcached
{
    my ($self) = @_;
    my $socket = "$self->{dir}/memcached.sock";
    $self->{memcached} //= SxTest::Daemon->start(name => 'memcached',
        dir => $self->{dir}, socket => $socket,
        command => ['memcached', '-m', 16, '-s', $socket]);
    return;
}

# npm keeps nothing but what it installs: exactly what package-lock.json says.
sub express
{
    my ($self, $peer) = @_;
    my $dir = "$self->{dir}/express";
    if (!-d "$dir/node_modules") {
        progress('npm ci');
        $self->as_user('npm', $dir, 'npm', '--prefix', $dir, '--cache',
            "$dir/cache", '--no-audit', '--no-fund', '--ignore-scripts',
            '--no-update-notifier', 'ci');
    }
    my $port = SxTest::Paths::free_port();
    $self->{app} = SxTest::Daemon->start(name => 'express',
        dir => $dir, port => $port, env => {NODE_ENV => 'production'},
        command => ['node', "$dir/app.js", $port,
            ("$self->{dir}/redis.sock") x !!$peer->{redis}]);
    return $port;
}

sub django
{
    my ($self, $peer) = @_;
    my $dir = $self->{dir};
    local @ENV{qw(COMPARE_DIR COMPARE_ENGINE PYTHONDONTWRITEBYTECODE)}
        = ($dir, $peer->{engine}, 1);
    $self->as_user('migrate', $dir, $Bench::Compare::Peers::PYTHON,
        "$dir/django_session.py")
        unless -e "$dir/django.db";
    my $port = SxTest::Paths::free_port();
    $self->{app} = SxTest::Daemon->start(name => 'gunicorn',
        dir => $dir, port => $port,
        command => ['gunicorn', '--workers', 2, '--threads', 8,
            '--worker-tmp-dir', $dir, '--bind', "127.0.0.1:$port",
            'django_session:application']);
    return $port;
}

sub stop
{
    my ($self) = @_;
    SxTest::Daemon::stop_all();
    $self->{server}->stop;
    return;
}

1;
