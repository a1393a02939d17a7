# SPDX-License-Identifier: Apache-2.0
# A Kerberos KDC of our own on loopback: the realm SX.TEST with ann, whose
# password is secret, and with HTTP/localhost. What reads KRB5_CONFIG from the
# environment, httpd and curl among it, finds it there. Ends with the test.
package SxTest::Kdc;

use strict;
use warnings;

use File::Path qw(remove_tree);
use File::Temp qw(tempdir);
use SxTest::Daemon;
use SxTest::File qw(spew);
use SxTest::Paths;

my $OWNER = $$;
my @LIVE;

# Short and below /tmp, as replay caches and sockets want it.
sub new
{
    my ($class) = @_;
    my $dir = tempdir('sxt-kdc-XXXXXX', DIR => SxTest::Paths::scratch_root());
    my $port = SxTest::Paths::free_port();
    my $self = bless { dir => $dir, port => $port }, $class;
    chmod 0755, $dir;
    spew("$dir/krb5.conf", <<"EOF");
[libdefaults]
    default_realm = SX.TEST
    dns_lookup_kdc = false
    dns_canonicalize_hostname = false
    rdns = false
[realms]
    SX.TEST = {
        kdc = 127.0.0.1:$port
    }
[domain_realm]
    localhost = SX.TEST
EOF
    spew("$dir/kdc.conf", <<"EOF");
[realms]
    SX.TEST = {
        database_name = $dir/principals
        key_stash_file = $dir/stash
        kdc_listen = 127.0.0.1:$port
        kdc_tcp_listen = 127.0.0.1:$port
    }
[logging]
    kdc = FILE:$dir/log
EOF
    $ENV{KRB5_CONFIG} = "$dir/krb5.conf";
    $ENV{KRB5_KDC_PROFILE} = "$dir/kdc.conf";
    $ENV{KRB5RCACHEDIR} = $dir;
    push @LIVE, $self;
    return $self->_fill->_start;
}

sub dir    { return $_[0]{dir} }
sub keytab { return "$_[0]{dir}/keytab" }

sub _run
{
    my ($self, @command) = @_;
    SxTest::Daemon->run(name => 'said', dir => $self->{dir},
        command => \@command);
    return;
}

sub _fill
{
    my ($self) = @_;
    $self->_run(qw(kdb5_util create -s -r SX.TEST -P master));
    $self->_run(qw(kadmin.local -q), $_) for 'addprinc -pw secret ann',
        'addprinc -randkey HTTP/localhost',
        'ktadd -k ' . $self->keytab . ' HTTP/localhost';
    # Read by children of httpd, which may be of another user.
    chmod 0644, $self->keytab;
    return $self;
}

sub _start
{
    my ($self) = @_;
    $self->{daemon} = SxTest::Daemon->start(name => 'krb5kdc',
        dir => $self->{dir}, port => $self->{port},
        command => ['krb5kdc', '-n']);
    return $self;
}

# The name of a cache with a ticket of this user, by password.
sub ticket
{
    my ($self, $user) = @_;
    my $cache = "$self->{dir}/tickets-$user";
    open my $in, '|-', 'kinit', '-c', $cache, $user or die "kinit: $!\n";
    print $in "secret\n";
    close $in or die "kinit $user failed\n";
    return $cache;
}

sub stop
{
    my ($self) = @_;
    my $daemon = delete $self->{daemon} or return;
    $daemon->stop;
    remove_tree($self->{dir}) unless $ENV{SXTEST_KEEP};
    return;
}

END {
    local $?;
    if ($$ == $OWNER) {
        $_->stop for @LIVE;
    }
}

1;
