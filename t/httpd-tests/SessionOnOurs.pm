# SPDX-License-Identifier: Apache-2.0
# Loaded before session.t of httpd's own tests, as it is: there a query is the
# session that a request finds. Here that session is put into our store first,
# and the request has its cookie instead; when mod_session has saved, the answer
# tells what our store then has.
package SessionOnOurs;

use strict;
use warnings;

use Apache::TestRequest ();
use HTTP::Request ();
use LWP::UserAgent ();
use URI::Escape qw(uri_escape uri_unescape);

my $PREFIX = qr/^TestEncoded:/;
my $SECOND = 1_000_000;
my $client = LWP::UserAgent->new(max_redirect => 0);
my $stored = 0;

# What our own app answers, in the session of this cookie.
sub _app
{
    my ($cookie, @commands) = @_;
    my $query = join '&', map { 'h=' . uri_escape($_) } @commands;
    my $port = Apache::Test::vars('port');
    my $request = HTTP::Request->new(GET =>
        "http://localhost:$port/ours/app.pl?$query");
    $request->header(Cookie => $cookie) if defined $cookie;
    my $response = $client->request($request);
    die 'our app: ' . $response->as_string if $response->code != 200;
    return $response;
}

sub _cookie_of
{
    my ($response, $before) = @_;
    for my $line ($response->header('Set-Cookie')) {
        next unless $line =~ /^(sid=([^;]*))/;
        return $2 eq '' ? undef : $1;
    }
    return $before;
}

# The data of the session of this cookie, as our environment shows it.
sub _data
{
    my ($cookie) = @_;
    return '' unless defined $cookie;
    my ($data) = _app($cookie)->content =~ /^SESSION_DATA=(.*)$/m;
    return uri_unescape($data // '');
}

# Ends in a second if it is to have ended, and then has.
sub _store
{
    my ($session) = @_;
    my @pairs = grep { /^[^=]/ } split /&/, $session;
    my ($expiry) = map { /^expiry=(\d+)$/ ? $1 : () } @pairs;
    my $data = join '&', grep { !/^expiry=/ } @pairs;
    my @commands = $data eq '' ? 'Session-Set: x=1' : "Session-Set: $data";
    return undef unless @pairs;
    if (defined $expiry) {
        my $left = int($expiry / $SECOND) - time;
        push @commands, 'Session-Idle: ' . ($left > 0 ? $left : 1);
    }
    my $cookie = _cookie_of(_app(undef, @commands));
    $cookie // die "our app has begun no session\n";
    select undef, undef, undef, 1.2 if defined $expiry && $expiry < time;
    return $cookie;
}

# What mod_session was told is saved, beside what is.
sub _check
{
    my ($response, $cookie, $before) = @_;
    my $told = $response->header('X-Test-Session');
    my $want = $told // $before;
    my $is = _data(_cookie_of($response, $cookie));
    $want = join '&', grep { !/^expiry=/ } split /&/, $want =~ s/$PREFIX//r;
    $stored += $is ne '';
    $response->header('X-Test-Session' => "what our store has: $is")
        if $is ne $want;
    return $response;
}

sub _over
{
    my ($method) = @_;
    return sub {
        my ($path, @more) = @_;
        my ($session) = $path =~ /\?(.*)$/;
        my $cookie = _store(($session // '') =~ s/$PREFIX//r);
        my $before = _data($cookie);
        push @more, Cookie => $cookie if defined $cookie;
        return _check($method->($path =~ s/\?.*//r, @more), $cookie, $before);
    };
}

no warnings 'redefine';
*Apache::TestRequest::GET = _over(\&Apache::TestRequest::GET);
*Apache::TestRequest::POST = _over(\&Apache::TestRequest::POST);

# A run that has stored nothing has shown nothing.
END {
    print "not ok - sessions were in our store\n" if !$stored;
    $? ||= 1 if !$stored;
}

1;
