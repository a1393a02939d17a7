# SPDX-License-Identifier: Apache-2.0
# The part of W3C WebDriver that the tests need, spoken to chromedriver.
package PhpApps::WebDriver;
use strict;
use warnings;
use HTTP::Tiny;
use JSON::PP ();
use SxTest::Daemon;
use SxTest::Paths;

my $JSON = JSON::PP->new->utf8->canonical->allow_nonref;

# The name of an element's reference in JSON, which is the standard's.
my $ELEMENT = 'element-6066-11e4-a52e-4f735466cecf';

# A headless Chromium; dir: of the user of the tests, for all that it leaves.
sub new
{
    my ($class, $dir) = @_;
    my ($program) = grep { -x } '/usr/bin/chromedriver',
        '/usr/lib/chromium/chromedriver';
    die "no chromedriver here: ./bootstrap php-apps installs it\n"
        unless $program;
    my $port = SxTest::Paths::free_port();
    my $daemon = SxTest::Daemon->start(name => 'chromedriver', dir => $dir,
        port => $port, command => [$program, "--port=$port"],
        env => {HOME => $dir, TMPDIR => $dir, XDG_CONFIG_HOME => $dir,
            XDG_CACHE_HOME => $dir});
    my $self = bless {daemon => $daemon, http => HTTP::Tiny->new(timeout => 60),
        base => "http://127.0.0.1:$port/session"}, $class;
    # No sandbox of Chromium's own: not where there are no user namespaces.
    my $got = $self->call('POST', '', {capabilities => {alwaysMatch => {
        'goog:chromeOptions' => {args => ['--headless=new', '--no-sandbox',
            '--disable-gpu', '--disable-dev-shm-usage', '--no-first-run',
            '--disable-background-networking',
            "--user-data-dir=$dir/chromium"]},
        timeouts => {pageLoad => 40_000, implicit => 0, script => 10_000}}}});
    $self->{base} .= "/$got->{sessionId}";
    return $self;
}

sub call
{
    my ($self, $method, $path, $body) = @_;
    my $got = $self->{http}->request($method, "$self->{base}$path",
        {headers => {'Content-Type' => 'application/json; charset=utf-8'},
            $body ? (content => $JSON->encode($body)) : ()});
    my $said = eval { $JSON->decode($got->{content}) } // {};
    return $said->{value} if $got->{success};
    my $error = ref $said->{value} ? $said->{value} : {};
    my $why = $error->{error} ? "$error->{error}: $error->{message}"
        : $got->{content};
    die 'WebDriver: ' . substr($why =~ s/\n.*//sr, 0, 300) . "\n";
}

sub go     { return $_[0]->call('POST', '/url', {url => $_[1]}) }
sub url    { return $_[0]->call('GET', '/url') }
sub source { return $_[0]->call('GET', '/source') }
sub cookie { return @{$_[0]->call('GET', '/cookie')} }

sub script
{
    my ($self, $text, @args) = @_;
    return $self->call('POST', '/execute/sync',
        {script => $text, args => \@args});
}

# An element of this page, from what script() has returned for it.
sub click
{
    my ($self, $element) = @_;
    return $self->call('POST', "/element/$element->{$ELEMENT}/click", {});
}

sub type
{
    my ($self, $element, $text) = @_;
    my $path = "/element/$element->{$ELEMENT}";
    $self->call('POST', "$path/clear", {});
    return $self->call('POST', "$path/value", {text => $text});
}

sub quit
{
    my ($self) = @_;
    my $daemon = delete $self->{daemon} or return;
    eval { $self->call('DELETE', '') };
    $daemon->stop;
    return;
}

1;
