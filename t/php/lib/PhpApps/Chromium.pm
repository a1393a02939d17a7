# SPDX-License-Identifier: Apache-2.0
# A real browser, without a window: its scripts run, and what a page asks for is
# loaded by several requests at a time.
package PhpApps::Chromium;
use strict;
use warnings;
use Time::HiRes qw(sleep time);
use PhpApps::Plain;
use PhpApps::User;
use PhpApps::WebDriver;
use parent qw(-norequire PhpApps::User);

# The form that has all of these fields, the button among them.
my $FIND_FORM = <<'END';
var names = arguments[0];
return Array.from(document.forms).find(f => names.every(n =>
    Array.from(f.elements).some(e => e.name == n))) || null;
END
my $FIND_INPUT = <<'END';
return Array.from(arguments[0].elements).find(e => e.name == arguments[1]
    && e.type != 'hidden') || arguments[0].elements[arguments[1]] || null;
END
my $FIND_BUTTON = <<'END';
var name = arguments[1], is = name === null ? e => e.type == 'submit'
    : e => e.name == name && e.type != 'hidden';
return Array.from(arguments[0].elements).find(is) || null;
END

# What nobody can type into, and what a page shows as something else; it may
# want to know that a list has changed.
my $SET = <<'END';
var e = arguments[0], list = e.tagName == 'SELECT';
if (!list && e.getClientRects().length > 0)
    return false;
e.value = arguments[1];
if (list)
    e.dispatchEvent(new Event('change', {bubbles: true}));
return true;
END
my $FIND_LINK = <<'END';
var re = new RegExp(arguments[0]);
var a = Array.from(document.querySelectorAll('a[href]')).find(a =>
    re.test(a.getAttribute('href')));
return a ? a.href : null;
END

sub new
{
    my ($class, $port, %opt) = @_;
    return bless {%opt, port => $port, step => 'start',
        driver => PhpApps::WebDriver->new($opt{dir})}, $class;
}

sub name   { return 'Chromium' }
sub source { return $_[0]{driver}->source }
sub where  { return $_[0]{driver}->url }
sub leave  { return $_[0]{driver}->quit }

sub open
{
    my ($self, $path) = @_;
    $self->{driver}->go("http://localhost:$self->{port}$path");
    return;
}

# By a click; back when the page after it is there.
sub press
{
    my ($self, $element) = @_;
    my $driver = $self->{driver};
    $driver->script('window.sxBefore = true;');
    $driver->click($element);
    my $end = time + 30;
    while (time < $end) {
        return if eval { $driver->script('return !window.sxBefore'
                . ' && document.readyState == "complete";') };
        sleep 0.02;
    }
    $self->fail('no other page within 30 s');
    return;
}

# The button is named, or the first.
sub form
{
    my ($self, $button, %value) = @_;
    my $driver = $self->{driver};
    my @names = (sort(keys %value), grep { defined } $button);
    my $form = $driver->script($FIND_FORM, \@names)
        or $self->fail("no form with @names");
    for my $name (sort keys %value) {
        my $input = $driver->script($FIND_INPUT, $form, $name);
        $driver->type($input, $value{$name})
            unless $driver->script($SET, $input, $value{$name});
    }
    $self->press($driver->script($FIND_BUTTON, $form, $button));
    return;
}

# The first link whose address matches, by that: a menu may hide it from a
# mouse.
sub follow
{
    my ($self, $re) = @_;
    my $text = "$re" =~ s/^\(\?\^u?:(.*)\)$/$1/sr;
    my $to = $self->{driver}->script($FIND_LINK, $text)
        or $self->fail("no link to $re");
    $self->{driver}->go($to);
    return;
}

# Somebody else who has all cookies of this moment.
sub thief
{
    my ($self) = @_;
    return PhpApps::Plain->with_cookies($self->{port}, $self->{driver}->cookie);
}

sub cookie_names
{
    my ($self) = @_;
    my %names = map { $_->{name} => 1 } $self->{driver}->cookie;
    return sort keys %names;
}

1;
