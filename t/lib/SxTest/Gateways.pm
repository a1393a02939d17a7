# SPDX-License-Identifier: Apache-2.0
# One server with all the gateways that its MPM has, each as a virtual host on a
# port of its own and with the same paths, so that one request can be put to
# each: /app, /dir/, /many/app, /rewritten/old, /page.shtml, /plain.txt,
# /err/{none,locked,broken}. Each of them answers errors of httpd by its app.
package SxTest::Gateways;

use strict;
use warnings;

use SxTest;

# Under the names of the pages' columns, and in their order.
my @ALL = (
    { name => 'CGI',           ext => 'pl',  conf => \&_cgi },
    { name => 'mod_php',       ext => 'php', conf => \&_mod_php },
    { name => 'php-cgi',       ext => 'php', conf => \&_php_cgi },
    { name => 'php-fpm',       ext => 'php', conf => \&_php_fpm },
    { name => 'HTTP, trusted', ext => 'pl',  conf => \&_trusted },
    { name => 'HTTP',          ext => 'pl',  conf => \&_untrusted },
);

sub names { return map { $_->{name} } @ALL }

sub _php_program { return (grep { -x } '/usr/bin/php-cgi')[0] }

sub _is_here
{
    my ($gate) = @_;
    return SxTest::has('mod_php')     if $gate->{name} eq 'mod_php';
    return _php_program()             if $gate->{name} eq 'php-cgi';
    return SxTest::Paths::fpm() ne '' if $gate->{name} eq 'php-fpm';
    return 1;
}

sub new
{
    my ($class) = @_;
    my $self = bless {}, $class;
    my $backend = $self->{backend} = SxTest::Server->new(module => 0);
    my $root = $backend->root;
    _fill("$root/gate", 'pl', 'app.pl');
    $backend->write_conf("DocumentRoot $root/gate\n"
        . _directory("$root/gate", 'pl', ''))->start;
    my $server = $self->{server} = SxTest::Server->new(scopes => 1, fpm => 1);
    $self->{gates} = [grep { _is_here($_) } map { +{%$_} } @ALL];
    my $conf = _common();
    for my $gate (@{ $self->{gates} }) {
        $gate->{port} = SxTest::Paths::free_port();
        $conf .= $self->_host($gate);
    }
    $server->write_conf($conf)->start;
    return $self;
}

# mod_php is at home under prefork only.
sub missing
{
    return grep { $_ ne 'mod_php' || SxTest::mpm() eq 'prefork' }
        map { $_->{name} } grep { !_is_here($_) } @ALL;
}

sub server { return $_[0]{server} }
sub gates  { return @{ $_[0]{gates} } }

# ---- files -------------------------------------------------------------------

sub _write
{
    my ($file, $text) = @_;
    open my $out, '>', $file or die "$file: $!\n";
    print $out $text;
    close $out or die "$file: $!\n";
    return;
}

# A document root whose app has this extension; ${to} is where the old name of a
# page leads by .htaccess.
sub _fill
{
    my ($dir, $ext, $to) = @_;
    my $app = SxTest::t_dir() . "/apps/app.$ext";
    mkdir $_ for $dir, map { "$dir/$_" } qw(dir many rewritten);
    for my $copy ("app.$ext", "nph-app.$ext", "dir/index.$ext",
        "many/app.$ext", "rewritten/app.$ext") {
        system('cp', '-p', $app, "$dir/$copy") == 0 or die "no $copy\n";
    }
    _write("$dir/plain.txt", "nothing of a session\n");
    _write("$dir/page.shtml", "<!--#include virtual=\"/app.$ext\" -->\n");
    _write("$dir/rewritten/.htaccess", "RewriteEngine On\n"
        . "RewriteRule ^old\$ $to [" . ($to =~ /:/ ? 'P' : 'L') . "]\n");
    chmod 0755, $dir, glob "$dir/*/";
    return;
}

# ---- configuration -----------------------------------------------------------

# For the whole server: the program that an Action names lies under no page.
sub _common
{
    my $h2 = SxTest::mpm() eq 'prefork' ? '' : "Protocols h2c http/1.1\n";
    return $h2 . <<'EOF';
SessionExt On
<Location "/err/locked">
    AuthType Basic
    AuthName gate
    AuthBasicProvider file
    AuthUserFile /dev/null
    Require valid-user
</Location>
<Location "/err/broken">
    RewriteEngine On
    RewriteRule "." "-" [R=500]
</Location>
EOF
}

sub _directory
{
    my ($dir, $ext, $handler) = @_;
    return <<"EOF";
    DirectoryIndex index.$ext
    <Directory "$dir">
        Options +ExecCGI +Includes
        AllowOverride FileInfo
        AddOutputFilter INCLUDES .shtml
        AddHandler cgi-script .pl
        AddType text/html .pl .php
        $handler
    </Directory>
    <Directory "$dir/many">
        Options +MultiViews
    </Directory>
EOF
}

sub _host
{
    my ($self, $gate) = @_;
    my ($port, $ext) = @{$gate}{qw(port ext)};
    my $errors = join '', map { "    ErrorDocument $_ /app.$ext\n" }
        qw(400 401 404 414 500);
    return "Listen 127.0.0.1:$port\n<VirtualHost *:$port>\n"
        . "    ServerName localhost\n$errors" . $gate->{conf}->($self, $gate)
        . "</VirtualHost>\n";
}

sub _local
{
    my ($self, $gate, $handler) = @_;
    my $dir = $self->{server}->root . "/gate-$gate->{port}";
    _fill($dir, $gate->{ext}, "app.$gate->{ext}");
    return "    DocumentRoot \"$dir\"\n"
        . _directory($dir, $gate->{ext}, $handler);
}

# Within the directory: it must win over what base.conf says of PHP.
sub _php { return "<FilesMatch \"\\.php\$\">\nSetHandler $_[0]\n</FilesMatch>" }

sub _cgi     { return _local(@_, '') }
sub _mod_php { return _local(@_, _php('application/x-httpd-php')) }

sub _php_cgi
{
    my $program = _php_program();
    return "    ScriptAlias \"/run-php-cgi\" \"$program\"\n"
        . "    Action run-php-cgi /run-php-cgi\n"
        . _local(@_, _php('run-php-cgi'));
}

sub _php_fpm
{
    my ($self, $gate) = @_;
    my $socket = $self->{server}->fpm_socket;
    return _local($self, $gate,
        _php("\"proxy:unix:$socket|fcgi://localhost/\""));
}

sub _trusted
{
    return "    SessionExtAccept On\n    SessionExtRequestHeaders On\n"
        . _untrusted(@_);
}

# What this server answers itself lies here; all else is the backend's.
sub _untrusted
{
    my ($self, $gate) = @_;
    my $to = 'http://127.0.0.1:' . $self->{backend}->port;
    my $dir = $self->{server}->root . "/gate-$gate->{port}";
    _fill($dir, 'pl', "$to/app.pl");
    return "    DocumentRoot \"$dir\"\n"
        . join('', map { "    ProxyPass $_ !\n" }
            qw(/err/ /page.shtml /rewritten/))
        . "    ProxyPass / $to/ disablereuse=On\n    ProxyPassReverse / $to/\n"
        . _directory($dir, 'pl', '');
}

1;
