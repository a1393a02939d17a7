# SPDX-License-Identifier: Apache-2.0
# What a test needs: a browser, barriers, parallel processes, the error log,
# private servers. t/README.md shows how it is used.
package SxTest;

use strict;
use warnings;

use POSIX ();
use Storable qw(freeze thaw);
use Test::More;
use SxTest::Paths;
use SxTest::Browser;
use SxTest::Barrier;
use SxTest::Core;
use SxTest::Log;
use SxTest::Server;
use SxTest::Wire;

my $START;

sub import
{
    my ($class) = @_;
    strict->import;
    warnings->import;
    Test::More->export_to_level(1);
    # With the results, where t/run can keep it.
    Test::More->builder->failure_output(\*STDOUT);
    _read_settings();
    $START = log_mark();
    timeout($ENV{SXTEST_TIMEOUT} || 180);
    plan(skip_all => 'needs root')
        if $> && (caller)[1] =~ m{(?:^|/)root/[^/]+\.t$};
    plan(skip_all => 'the PHP extension is not built')
        if (caller)[1] =~ m{(?:^|/)php/[^/]+\.t$}
        && !-e SxTest::Paths::php_extension();
    return;
}

# t/TEST leaves port, logs and MPM of the running server here.
sub _read_settings
{
    open my $in, '<', SxTest::Paths::t_dir() . '/conf/sxtest.env' or return;
    while (my $line = <$in>) {
        $ENV{$1} = $2 if $line =~ /^(SXTEST_\w+)=(.*)$/ && !defined $ENV{$1};
    }
    return;
}

sub _give_up
{
    SxTest::Server::hurry();
    die $_[0];
}

# A test that hangs dies by itself, so that its servers are stopped at END.
sub timeout
{
    my ($seconds) = @_;
    $SIG{$_} = sub { _give_up("stopped by SIG$_[0]\n") } for qw(INT TERM);
    $SIG{ALRM} = sub { _give_up("the test took more than $seconds s\n") };
    alarm $seconds;
    return;
}

sub t_dir { return SxTest::Paths::t_dir() }
sub mpm   { return $ENV{SXTEST_MPM} || 'event' }

sub port
{
    return $ENV{SXTEST_PORT} || die "no server is running: use t/run\n";
}

sub browser
{
    my ($class, %opt) = @_;
    return SxTest::Browser->new(port => port(), %opt);
}

# mod_php, php-fpm, root, any module ('mod_lua') and any program ('curl').
sub has
{
    my ($what) = @_;
    return !$> if $what eq 'root';
    my $listed = SxTest::Paths::load_modules(mpm());
    return $listed =~ /^LoadModule php_module/m if $what eq 'mod_php';
    return mpm() ne 'prefork' && SxTest::Paths::fpm() ne ''
        if $what eq 'php-fpm';
    return -e SxTest::Paths::modules_dir() . "/$what.so" if $what =~ /^mod_/;
    return scalar grep { -x "$_/$what" } split /:/, $ENV{PATH};
}

# Which PHP answers at /X/php/ here; undef if none does.
sub php
{
    my ($found) = grep { has($_) } qw(mod_php php-fpm);
    return $found;
}

sub log_file
{
    return $ENV{SXTEST_LOGS} ? "$ENV{SXTEST_LOGS}/error_log" : '/dev/null';
}

sub log_mark        { return SxTest::Log::mark(log_file()) }
sub error_log_since { return SxTest::Log::since(log_file(), $_[0]) }

# What the test app sees in its environment, and waiting for it.
sub seen { return $_[0]->get('/s/cgi/app')->env($_[1]) // '-' }

# In each process that may answer: so ten times in a row.
sub becomes
{
    my ($browser, $name, $want, $label) = @_;
    my $in_a_row = 0;
    my $got;
    for (1 .. 800) {
        $got = seen($browser, $name);
        if ($got eq $want) {
            last if ++$in_a_row == 10;
            next;
        }
        $in_a_row = 0;
        select undef, undef, undef, 0.05;
    }
    return is($got, $want, $label);
}

sub reached { return SxTest::Barrier::reached(@_) }
sub release { return SxTest::Barrier::release(@_) }

# Bytes out, bytes in, until the server closes (so ask it to) or the time is
# up. port, timeout (10 s), half_close: say that no more bytes will come.
sub raw
{
    my ($bytes, %opt) = @_;
    my $wire = SxTest::Wire->open($opt{port} || port(), $opt{timeout} || 10);
    $wire->send($bytes);
    $wire->half_close if $opt{half_close};
    return $wire->rest;
}

sub _child
{
    my ($i, $code, $gate, $out) = @_;
    sysread $gate, my $never, 1;
    my $value = eval { [1, scalar $code->($i)] } || [0, "$@"];
    my $bytes = freeze($value);
    my $done = 0;
    while ($done < length $bytes) {
        $done += syswrite($out, $bytes, length($bytes) - $done, $done)
            || last;
    }
    # Neither END nor Test::More's end of test may run here.
    POSIX::_exit(0);
}

sub _spawn
{
    my ($i, $code, $gate) = @_;
    pipe my $in, my $out or die "pipe: $!\n";
    defined(my $pid = fork) or die "fork: $!\n";
    if (!$pid) {
        close $in;
        close $gate->[1];
        _child($i, $code, $gate->[0], $out);
    }
    close $out;
    return { pid => $pid, in => $in };
}

# Runs $code->($i) for i = 0 … n-1 in processes that begin together; what they
# returned (one value each), in that order. Dies if one of them died.  $beside is
# run here meanwhile.
sub parallel
{
    my ($n, $code, $beside) = @_;
    pipe my $wait, my $go or die "pipe: $!\n";
    my @child = map { _spawn($_, $code, [$wait, $go]) } 0 .. $n - 1;
    close $go;
    my $failed = $beside && !eval { $beside->(); 1 } && $@;
    my @bytes = map { local $/; readline $_->{in} } @child;
    waitpid $_->{pid}, 0 for @child;
    die $failed if $failed;
    my @values;
    for my $bytes (@bytes) {
        my $value = defined $bytes && length $bytes ? thaw($bytes) : undef;
        die "a parallel process ended without a word\n" unless $value;
        die "in a parallel process: $value->[1]" unless $value->[0];
        push @values, $value->[1];
    }
    return @values;
}

# Last line of every test: no server may have crashed meanwhile.  If a test
# failed, what the server had to say may tell why.
sub done
{
    if (!Test::More->builder->is_passing) {
        diag($_) for grep { /:(?:warn|error|crit)\]/ }
            split /\n/, error_log_since($START);
    }
    my ($shown, @fatal) = SxTest::Core::judge(SxTest::Paths::t_dir(),
        SxTest::Log::fatal(error_log_since($START)));
    diag($_) for @$shown;
    push @fatal, SxTest::Server::finish_all();
    is("@fatal", '', 'no server process crashed');
    return done_testing();
}

1;
