# SPDX-License-Identifier: Apache-2.0
# One run of PHP's run-tests.php over a copy of its session tests, in which the
# handler that a test asks for by name, or names in what it expects, is the one
# under test.
package Phpt::Run;
use strict;
use warnings;
use File::Basename qw(basename);
use Php::Command;
use SxTest::File qw(slurp spew);

# source  where Phpt::Source has put the tests
# dir     made anew: copy, files of sessions, what the tests leave
# handler session.save_handler      ini  more settings, ["name=value"]
# strict  1: session.use_strict_mode=1 even where a test says 0
# only    only tests whose name matches
# client  makes a session and returns its cookie, NAME=VALUE, for tests whose
#         client has one; the id is not what such a test has thought of
sub new
{
    my ($class, %self) = @_;
    my $self = bless {handler => 'files', ini => [], only => '.', %self},
        $class;
    my $dir = $self->{dir};
    system('rm', '-rf', $dir) == 0 && system('mkdir', '-p', "$dir/save") == 0
        && system('cp', '-R', "$self->{source}/src", "$dir/src") == 0
        or die "cannot fill $dir\n";
    for my $file (glob "$dir/src/ext/session/tests/*.phpt") {
        my $wanted = basename($file, '.phpt') =~ /$self->{only}/;
        $wanted ? $self->adapt($file) : unlink $file;
    }
    return $self;
}

sub adapt
{
    my ($self, $file) = @_;
    my $text = slurp($file);
    my $was = $text;
    $text =~ s/^(session\.use_strict_mode *= *)0$/${1}1/mg,
        $text =~ s/(?<=session\.use_strict_mode')( *, *)(?:0|false)/${1}1/g
        if $self->{strict};
    $text = with_handler($text, $self->{handler});
    $text = with_session($text, $self->{client}) if $self->{client};
    # One that starts a PHP of its own.
    $text =~ s/\$php -n(?= )/join ' ', '$php -n', $self->settings/ge;
    spew($file, $text) if $text ne $was;
    return;
}

# The handler instead of files: in settings, in code, and in what is expected.
sub with_handler
{
    my ($text, $name) = @_;
    my $said = sprintf 'string(%d) "%s"', length $name, $name;
    $text =~ s/^(session\.save_handler *= *"?)files("?)$/$1$name$2/mg;
    $text =~ s/(session_module_name\(|save_handler['"], *)
        (["'])files\2/$1$2$name$2/gx;
    $text =~ s/\bstring\(5\) "files"/$said/g;
    $text =~ s/(?<=session\ data:\ )files(?=\ \(path)
        | (?<=session\ data\ \()files(?=\))/$name/gx;
    return $text;
}

sub with_session
{
    my ($text, $client) = @_;
    return $text if $text !~ /^--COOKIE--\nPHPSESSID=([\w-]{2,})$/m;
    my ($id, $cookie) = ($1, $client->());
    $text =~ s/^(--COOKIE--\n).*/$1$cookie/m;
    $text =~ s/^string\(%d\) "\Q$id\E"$/string(%d) "%s"/m;
    return $text;
}

sub settings
{
    my ($self) = @_;
    return map { ('-d', $_) } "session.save_handler=$self->{handler}",
        # As PHP has it; Debian's is somewhere else.
        'session.save_path=',
        ('session.use_strict_mode=1') x !!$self->{strict}, @{$self->{ini}};
}

# What became of each test: {NAME => "PASSED"}, without what is in no group of
# its own (WARNED, LEAKED and BORKED are failures, too).
sub results
{
    my ($self, $jobs) = @_;
    my $dir = $self->{dir};
    my $list = "$dir/results";
    local $ENV{TEST_PHP_SRCDIR} = "$dir/src";
    local $ENV{TEST_PHP_CGI_EXECUTABLE} = '/usr/bin/php-cgi';
    local $ENV{NO_COLOR} = 1;
    # For a save path that is not set, which some tests want to see.
    local $ENV{TMPDIR} = "$dir/save";
    command("$dir/log", 'php', "$dir/src/run-tests.php", '-P', '-n',
        '-q', "-j$jobs", '--no-progress', '--set-timeout', 30, '-W', $list,
        $self->settings, "$dir/src/ext/session/tests");
    open my $in, '<', $list or die "run-tests.php did not run: $dir/log\n";
    my %result;
    while (my $line = <$in>) {
        my ($what, $file) = $line =~ /^(\w+)\s+(\S+\.phpt)$/ or next;
        $result{basename($file, '.phpt')} = $what;
    }
    die "run-tests.php ran no test: see $dir/log\n" unless %result;
    return \%result;
}

# The tests that would see an id in a URL.
sub has_url
{
    my ($self) = @_;
    return {map { basename($_, '.phpt') => 1 }
        grep { slurp($_) =~ /session\.use_trans_sid *= *1|\bSID\b/ }
        glob "$self->{dir}/src/ext/session/tests/*.phpt"};
}

# How a test's output differs from what it should be.
sub difference
{
    my ($self, $name) = @_;
    my $file = "$self->{dir}/src/ext/session/tests/$name.diff";
    return -e $file ? slurp($file) : '';
}

1;
