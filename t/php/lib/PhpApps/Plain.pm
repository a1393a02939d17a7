# SPDX-License-Identifier: Apache-2.0
# The browser of the tests, which follows redirects and fills in forms.  It runs
# no script and loads nothing that a page asks for.
package PhpApps::Plain;
use strict;
use warnings;
use HTML::Form;
use HTML::LinkExtor;
use URI;
use SxTest::Browser;
use parent qw(-norequire PhpApps::User);
use PhpApps::User;

sub new
{
    my ($class, $port, %opt) = @_;
    return bless {%opt, port => $port, step => 'start',
        browser => SxTest::Browser->new(port => $port)}, $class;
}

# Somebody else who has got hold of these cookies: [{name, value, path}...].
sub with_cookies
{
    my ($class, $port, @cookies) = @_;
    my $self = $class->new($port);
    $self->{browser}->set_cookie($_->{name}, $_->{value}, path => $_->{path})
        for @cookies;
    return $self;
}

sub name   { return 'plain' }
sub where  { return "$_[0]{url} (" . $_[0]{answer}->status . ')' }
sub leave  { return }

sub source
{
    my ($self) = @_;
    my $text = $self->{answer} ? $self->{answer}->body : '';
    utf8::decode($text);
    return $text;
}

sub go
{
    my ($self, $method, $url, %opt) = @_;
    my $base = "http://localhost:$self->{port}/";
    my $uri = URI->new_abs($url, $self->{url} // $base);
    for (1 .. 10) {
        $self->{url} = $uri->as_string;
        $uri->fragment(undef);
        my $answer = $self->{browser}->request($method, $uri->path_query, %opt,
            timeout => 30, header => {%{$opt{header} // {}},
                Accept => 'text/html,*/*', 'User-Agent' => 'Mozilla/5.0'});
        $self->{answer} = $answer;
        die "no answer from $self->{url}: " . $answer->error . "\n"
            if !$answer->status;
        return if $answer->status !~ /^30[1237]$/;
        $uri = URI->new_abs($answer->location, $uri);
        ($method, %opt) = ('GET');
    }
    die "more than ten redirects, to $uri\n";
}

sub open
{
    my ($self, $path) = @_;
    $self->go('GET', $path);
    return;
}

# The form that has all of these fields, filled in and sent by this button or,
# if it has no name, by the first.
sub form
{
    my ($self, $button, %value) = @_;
    local $SIG{__WARN__} = sub { };
    my @names = (sort(keys %value), grep { defined } $button);
    my ($form) = grep {
        my $f = $_;
        !grep { !$f->find_input($_) } @names
    } HTML::Form->parse($self->source, base => $self->{url}, strict => 0);
    $self->fail("no form with @names") unless $form;
    for my $name (keys %value) {
        my $input = $form->find_input($name);
        $input->readonly(0);
        $input->value($value{$name});
    }
    my $request = $form->click(defined $button ? $button : ());
    my $type = $request->header('Content-Type');
    my %post = (content => $request->content,
        header => {'Content-Type' => $type});
    $self->go($request->method, $request->uri,
        $request->method eq 'GET' ? () : %post);
    return;
}

# The first link whose address matches.
sub follow
{
    my ($self, $re) = @_;
    my @links = map { $_->[2] } grep { $_->[0] eq 'a' }
        HTML::LinkExtor->new->parse($self->source)->links;
    my ($link) = grep { $_ =~ $re } @links;
    $self->fail("no link to $re") unless defined $link;
    $self->go('GET', $link);
    return;
}

# Somebody else who has all cookies of this moment.
sub thief
{
    my ($self) = @_;
    my $thief = (ref $self)->new($self->{port});
    $thief->{browser} = $self->{browser}->clone;
    return $thief;
}

sub cookie_names
{
    my ($self) = @_;
    my %names = map { $_->{name} => 1 } @{$self->{browser}{jar}{cookies}};
    return sort keys %names;
}

1;
