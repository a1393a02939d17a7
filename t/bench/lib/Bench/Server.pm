# SPDX-License-Identifier: Apache-2.0
# One httpd with every case of the HTTP benchmark in a <Location> of its own:
# ours and the peers beside bare files, so that all pay for the same modules.
package Bench::Server;
use strict;
use warnings;
use File::Path qw(make_path);
use IO::Socket::INET;
use Time::HiRes qw(sleep);
use lib __FILE__ =~ s|[^/]+/[^/]+\z||r;
use parent 'Bench::Child';
use Bench::Cpu;
use Bench::Fpm;
use SxTest::File qw(spew);
use SxTest::Paths;

my @modules = qw(authz_core mime headers asis session session_cookie
    session_crypto dbd session_dbd);
# Paths of PHP: on its files, on a handler that does nothing, on ours without
# httpd's module, on ours, and on ours with nothing exported.
my @php = qw(php phpn phpa phpx phpe);
my @places = qw(bare hdr none sx sxw sxcheck sxmake ck cks ckmake cc ccs ccmake
    db dbs dbmake);

my %size = (
    event => <<'END',
ServerLimit 2
StartServers 2
ThreadsPerChild 16
MaxRequestWorkers 32
MinSpareThreads 1
MaxSpareThreads 32
END
    prefork => <<'END',
ServerLimit 16
StartServers 16
MaxRequestWorkers 16
MinSpareServers 1
MaxSpareServers 16
END
);

# A scope of mod_session: how it keeps sessions, and whether each request saves.
# A save without a change is what an expiry in the session makes of every
# request; it is the cheaper one, as a change would give dbd a new id as well.
sub peer
{
    my ($place, $keep, $make) = @_;
    my $scope = "Session On\nSessionEnv On\n$keep\n";
    return "<Location /$place/>\n$scope</Location>\n"
        . "<Location /${place}s/>\n${scope}SessionMaxAge 3600\n</Location>\n"
        . "<Location /${place}make/>\n${scope}SetHandler send-as-is\n"
        . "SessionHeader X-Replace-Session\n</Location>\n";
}

sub conf
{
    my ($self) = @_;
    my $dir = SxTest::Paths::modules_dir();
    my $user = $self->{user};
    my ($php) = $self->{fpm} ? () : glob "$dir/libphp*.so";
    my $text = "LoadModule mpm_$self->{mpm}_module "
        . "$dir/mod_mpm_$self->{mpm}.so\n$size{$self->{mpm}}";
    $text .= "LoadModule ${_}_module $dir/mod_$_.so\n" for @modules;
    $self->{php} = $self->{fpm} || $self->{mpm} eq 'prefork' && $php
        && !$self->{lean};
    $self->{phpx} = $self->{php} && -e SxTest::Paths::php_extension();
    $text .= "LoadModule php_module $php\nPHPIniDir $self->{root}/ini\n"
        if $self->{php} && $php;
    $text .= $self->fpm_scope($dir) if $self->{fpm};
    $text .= 'LoadModule session_ext_module "' . SxTest::Paths::module()
        . "\"\n";
    $text .= "User $user->{name}\nGroup $user->{group}\n" unless $>;
    $text .= $self->common . ($self->{storeless} ? '' : $self->ours);
    $text .= $self->php_scope if $self->{php};
    $text .= peer('ck', 'SessionCookieName session path=/');
    $text .= peer('cc', "SessionCookieName session path=/\n"
        . 'SessionCryptoPassphrase "secret of the benchmark"');
    $text .= peer('db', 'SessionDBDCookieName session path=/');
    return $text;
}

sub common
{
    my ($self) = @_;
    my $root = $self->{root};
    return <<"END";
ServerRoot $root
ServerName localhost
DefaultRuntimeDir $root/run
PidFile $root/run/httpd.pid
ErrorLog $root/error_log
LogLevel $self->{log_level}
Listen 127.0.0.1:$self->{port}
DocumentRoot $root/htdocs
TypesConfig $root/mime.types
KeepAlive On
MaxKeepAliveRequests 0
DBDriver sqlite3
DBDParams $root/db/session.db
<IfDefine BENCH_TABLE>
    DBDInitSQL "CREATE TABLE IF NOT EXISTS session (key TEXT PRIMARY KEY, value TEXT, expiry INTEGER)"
</IfDefine>
<IfDefine !BENCH_TABLE>
    DBDPrepareSQL "delete from session where key = %s" deletesession
    DBDPrepareSQL "update session set value = %s, expiry = %lld, key = %s where key = %s" updatesession
    DBDPrepareSQL "insert into session (value, expiry, key) values (%s, %lld, %s)" insertsession
    DBDPrepareSQL "select value from session where key = %s and (expiry = 0 or expiry > %lld)" selectsession
    DBDPrepareSQL "delete from session where expiry != 0 and expiry < %lld" cleansession
</IfDefine>
<Directory />
    AllowOverride None
    Options FollowSymLinks
    Require all granted
</Directory>
<IfModule php_module>
    php_admin_value session.save_path "$root/php"
    php_admin_value session.gc_probability 0
    <FilesMatch "\\.php\$">
        SetHandler application/x-httpd-php
    </FilesMatch>
</IfModule>
END
}

sub php_scope
{
    my ($self) = @_;
    # In mod_php each scope says which handler it has, so that all pay for it.
    my $of = sub {
        my ($place, $handler, $serializer, $lines) = @_;
        return "<Location /$place/>\n" . ($self->{fpm} ? ''
            : "    php_admin_value session.save_handler $handler\n"
            . "    php_admin_value session.serialize_handler $serializer\n")
            . "$lines</Location>\n";
    };
    my $text = $of->('php', 'files', 'php', '');
    return $text unless $self->{phpx};
    my @ours = ('session_ext', 'session_ext');
    my $on = "    SessionExt On\n    SessionExtPHP On\n";
    return $text . $of->('phpn', 'bench_nothing', 'php', '')
        . $of->('phpa', @ours, '') . $of->('phpx', @ours, $on)
        . $of->('phpe', @ours, "$on    SessionExtEnv Off\n");
}

# The pool that has ours as its save handler serves three paths.
sub fpm_scope
{
    my ($self, $dir) = @_;
    my $text = join '', map { "LoadModule ${_}_module $dir/mod_$_.so\n" }
        qw(proxy proxy_fcgi);
    for my $place (@php) {
        my $socket = $self->{fpm}->socket($place =~ s/[ae]\z/x/r);
        $text .= "<Location /$place/>\n"
            . "SetHandler \"proxy:unix:$socket|fcgi://localhost/\"\n"
            . "</Location>\n";
    }
    return $text;
}

# mod_headers plays the app that writes: it is the cheapest one there is.
sub ours
{
    my ($self) = @_;
    return <<"END";
ShmStore sessions size=$self->{size}
<Location /none/>
    SessionExt On
</Location>
<Location /sx/>
    SessionExt On
</Location>
<Location /sxw/>
    SessionExt On
    Header set Session-Incr "n=1"
</Location>
<Location /hdr/>
    Header set Xession-Incr "n=1"
</Location>
<Location /sxmake/>
    SessionExt On
    Header set Session-Set "n=0&d=$self->{value}"
</Location>
<Location /sxcheck/>
    SessionExt On
    Header set X-N "%{SESSION_VAR_n}e"
</Location>
END
}

# A page of 1 KB, the same as a file and from PHP, and the scripts of PHP.
sub fill_root
{
    my ($self) = @_;
    my $root = $self->{root};
    my $page = 'x' x 1023 . "\n";
    make_path(map({ "$root/htdocs/$_" } @places, @php),
        map { "$root/$_" } qw(run db php ini));
    spew("$root/htdocs/$_/1k.txt", $page) for @places;
    spew("$root/mime.types", "text/plain txt\n");
    spew("$root/htdocs/$_/1k.txt", "X-Replace-Session: n=0&d=$self->{value}\n"
        . "Content-Type: text/plain\n\n$page") for qw(ckmake ccmake dbmake);
    $self->fill_php($_) for @php;
    my @own = ("$root/db", "$root/php", "$root/run");
    chown $self->{user}{uid}, $self->{user}{gid}, @own[0, 1] unless $>;
    return;
}

# The same scripts for PHP's own files and for our extension.
sub fill_php
{
    my ($self, $place) = @_;
    my ($root, $dir) = ($self->{root}, "$self->{root}/htdocs/$place");
    my $begin = "<?php\nheader('Content-Type: text/plain');\n";
    my $end = "echo str_repeat('x', 1023), \"\\n\";\n";
    spew("$dir/bare.php", $begin . $end);
    spew("$dir/read.php",
        $begin . "session_start(['read_and_close' => true]);\n" . $end);
    spew("$dir/write.php",
        $begin . "session_start();\n\$_SESSION['n']++;\n" . $end);
    spew("$dir/check.php", "<?php\nsession_start(['read_and_close' => true]);"
        . "\nheader('X-N: ' . \$_SESSION['n']);\n");
    spew("$dir/make.php", $begin . "session_start();\n"
        . "\$_SESSION = ['n' => 0, 'd' => '$self->{value}'];\n" . $end);
    my $extension = SxTest::Paths::php_extension();
    my $nothing = SxTest::Paths::build_dir() . '/t/bench/php/nothing.so';
    spew("$root/ini/php.ini", !-e $extension ? '' : <<"END");
extension="$nothing"
extension="$extension"
session_ext.store_file = $root/run/session_ext-sessions.shm
session_ext.key_file = $root/run/session_ext.keys
END
    return;
}

sub new
{
    my ($class, %self) = @_;
    my $self = bless {size => '16m', log_level => 'warn', %self,
        port => SxTest::Paths::free_port(),
        user => SxTest::Paths::test_user(), value => 'v' x 1024}, $class;
    $self->{fpm} = Bench::Fpm->new(root => $self->{root},
        user => $self->{user}) if $self->{fpm};
    $self->fill_root;
    spew("$self->{root}/httpd.conf", $self->conf);
    return $self;
}

# mod_dbd prepares statements before it could make their table, so a first
# server only makes the table.
sub start
{
    my ($self) = @_;
    my $table = "$self->{root}/db/session.db";
    $self->launch('-DBENCH_TABLE');
    for (1 .. 50) {
        last if -s $table;
        sleep 0.1;
    }
    $self->stop;
    die "mod_dbd made no table\n" unless -s $table;
    $self->{fpm}->start if $self->{fpm};
    return $self->launch;
}

# Arguments go to httpd; -X instead of the usual -DFOREGROUND makes it one
# process.  What stands in ${$self->{before}} comes before httpd.
sub launch
{
    my ($self, @define) = @_;
    my @command = (@{$self->{before} // []}, SxTest::Paths::httpd(),
        @define, '-f', "$self->{root}/httpd.conf");
    splice @command, -2, 0, '-DFOREGROUND' unless grep { $_ eq '-X' } @define;
    $self->begin("$self->{root}/output", @command);
    for (1 .. 300) {
        sleep 0.1;
        return $self if eval { $self->get('/bare/1k.txt') };
    }
    system 'cat', "$self->{root}/output", "$self->{root}/error_log";
    die "httpd ($self->{mpm}) did not come up\n";
}

sub stop
{
    my ($self) = @_;
    $self->{fpm}->stop if $self->{fpm};
    return $self->SUPER::stop;
}

# The head of the answer; dies unless it is a 200.
sub get
{
    my ($self, $path, $cookie) = @_;
    my $sock = IO::Socket::INET->new(PeerAddr => '127.0.0.1',
        PeerPort => $self->{port}, Timeout => 5) or die "connect: $!\n";
    print $sock "GET $path HTTP/1.1\r\nHost: localhost\r\n",
        $cookie ? "Cookie: $cookie\r\n" : '', "Connection: close\r\n\r\n";
    local $/ = undef;
    my ($head) = split /\r\n\r\n/, readline($sock) // '', 2;
    die "$path: " . ($head // 'nothing') . "\n"
        unless defined $head && $head =~ m{^HTTP/1\.1 200 };
    return $head;
}

# Lines in the error log so far.
sub log_lines
{
    my ($self) = @_;
    open my $in, '<', "$self->{root}/error_log" or return 0;
    my @lines = <$in>;
    return scalar @lines;
}

# Nanoseconds of CPU that the server's processes have used, and those of php-fpm.
sub cpu_ns
{
    my ($self) = @_;
    my @parents = grep { $_ } $self->{pid}, $self->{fpm} && $self->{fpm}{pid};
    return Bench::Cpu::of(map { ($_, Bench::Cpu::children($_)) } @parents);
}

1;
