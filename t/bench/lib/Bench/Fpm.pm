# SPDX-License-Identifier: Apache-2.0
# A php-fpm for the benchmark: one master with pools that differ in their save
# handler, so that all pay for the same extensions.
package Bench::Fpm;
use strict;
use warnings;
use Time::HiRes qw(sleep);
use lib __FILE__ =~ s|[^/]+/[^/]+\z||r;
use parent 'Bench::Child';
use SxTest::Paths;

# Name of a pool, and of the paths that it serves, to its lines.
my %pools = (
    php  => '',
    phpn => "php_admin_value[session.save_handler] = bench_nothing\n",
    phpx => "php_admin_value[session.save_handler] = session_ext\n"
        . "php_admin_value[session.serialize_handler] = session_ext\n",
);

sub pool
{
    my ($self, $name) = @_;
    my $user = $self->{user};
    my $who = $> ? '' : "user = $user->{name}\ngroup = $user->{group}\n"
        . "listen.owner = $user->{name}\nlisten.group = $user->{group}\n";
    return "[$name]\n${who}listen = " . $self->socket($name) . "\n"
        . "pm = static\npm.max_children = 8\n"
        . "php_admin_value[session.save_path] = $self->{root}/php\n"
        . "php_admin_value[session.gc_probability] = 0\n$pools{$name}";
}

# root: that of the httpd in front; user: of both.
sub new
{
    my ($class, %self) = @_;
    return unless SxTest::Paths::fpm();
    return bless {%self}, $class;
}

sub socket { return "$_[0]{root}/run/$_[1].sock" }

sub start
{
    my ($self) = @_;
    my $file = "$self->{root}/php-fpm.conf";
    open my $out, '>', $file or die "$file: $!\n";
    print $out "[global]\nerror_log = $self->{root}/fpm.log\n",
        map { $self->pool($_) } sort keys %pools;
    close $out or die "$file: $!\n";
    $self->begin("$self->{root}/fpm.output", SxTest::Paths::fpm(), '-F',
        '-c', "$self->{root}/ini", '-y', $file);
    for (1 .. 100) {
        return $self unless grep { !-S $self->socket($_) } keys %pools;
        sleep 0.1;
    }
    system 'cat', "$self->{root}/fpm.output", "$self->{root}/fpm.log";
    die "php-fpm did not come up\n";
}

1;
