# SPDX-License-Identifier: Apache-2.0
# A WSGI app behind uWSGI, which speaks uwsgi, SCGI and FastCGI: each brings the
# environment, commands are obeyed, and uwsgi, which has room for 64 KiB, loses
# nothing in silence.
use SxTest;
use SxTest::Daemon;

my $APP = <<'PY';
from urllib.parse import parse_qs

def application(environ, start_response):
    lines = parse_qs(environ['QUERY_STRING']).get('h', [])
    start_response('200 OK', [('Content-Type', 'text/plain')] +
                   [tuple(line.split(': ', 1)) for line in lines])
    return [('%s=%s\n' % pair).encode('latin-1')
            for pair in environ.items() if isinstance(pair[1], str)]
PY

my $s = SxTest::Server->new(scopes => 1, more => [qw(proxy_uwsgi proxy_scgi)]);
my $file = $s->root . '/app.py';
open my $out, '>', $file or die "$file: $!\n";
print $out $APP;
close $out;

# uWSGI's own limit is 4 KiB unless it is told otherwise.
my %option = (uwsgi => '--uwsgi-socket', scgi => '--scgi-socket',
    fcgi => '--fastcgi-socket');
my %port;
for my $way (keys %option, 'small') {
    $port{$way} = SxTest::Daemon->start(name => $way, log => $s->root . "/logs/$way",
        command => ['uwsgi', '--plugin', 'python3', '--die-on-term',
            $option{$way} || $option{uwsgi}, '127.0.0.1:PORT', '--wsgi-file', $file,
            $way eq 'small' ? () : ('--buffer-size', 65535)])->port;
}
$s->write_conf(join '', map {
    my $scheme = $option{$_} ? $_ : 'uwsgi';
    "<Location \"/$_/\">\nSessionExt On\n"
        . "ProxyPass \"$scheme://127.0.0.1:$port{$_}/\"\n</Location>\n"
} sort keys %port)->start;

for my $way (sort keys %option) {
    my $b = $s->browser;
    my $r = $b->get("/$way/app", h => ['Session-Set: user=ann&cart=3',
        'Session-Flash: info=Hi+there']);
    is($r->status, 200, "$way: the app answers");
    is($r->env('SESSION_STATUS'), 'none', "$way: and sees that nobody is there");
    is((join ' ', grep { /^session-/i } $r->header_names), '',
        "$way: its control headers are taken out");
    $r = $b->get("/$way/app", header => { 'X-Session-User' => 'root' });
    is($r->env('SESSION_DATA'), 'user=ann&cart=3', "$way: and obeyed");
    is($r->env('SESSION_VAR_cart'), 3, "$way: key by key");
    is($r->env('FLASH_info'), 'Hi there', "$way: with the message");
    is($r->env('HTTP_X_SESSION_USER'), undef, "$way: and nothing of the client's");
    unlike($r->body, qr/sid=/, "$way: nor the id");
    is($b->get("/$way/app")->env('FLASH_COUNT'), undef, "$way: once");
    my $old = $b->clone;
    $b->get("/$way/app", h => ['Session-Destroy: on']);
    is($b->cookie('sid'), undef, "$way: it ends the session");
    is($old->get("/$way/app")->env('SESSION_STATUS'), 'invalid', "$way: for good");
}

# Large ones: which keys are there in full, and which named as omitted?
sub keys_of
{
    my ($r) = @_;
    my $data = join '', map { $r->env("SESSION_DATA_$_") // '' } 1 .. 9;
    my %said = map { $_ => 1 } split /,/, $r->env('SESSION_ENV_OMITTED') // '';
    my $part = 'x' x 7900;
    my @full = grep { $data =~ /key$_=$part(?:&|$)/
        && ($r->env("SESSION_VAR_key$_") // '') eq $part } 1 .. 7;
    return ("@full", join ' ', grep { $said{"key$_"} } 1 .. 7);
}

my $b = $s->browser;
my $part = 'x' x 7900;
$b->post('/s/cgi/app', h => [map { "Session-Set: key$_=$part" } 1 .. 3]);
for my $way (sort keys %option) {
    my ($full, $omitted) = keys_of($b->get("/$way/app"));
    is($full, '1 2 3', "$way: a large session is there in full");
    is($omitted, '', "$way: nothing is omitted");
}
is($b->get('/small/app')->status, 500,
    'but not in a uWSGI that was not told of large requests');
$b->post('/s/cgi/app', h => [map { "Session-Set: key$_=$part" } 4 .. 7]);
my $r = $b->get('/uwsgi/app');
is($r->status, 200, 'uwsgi: one for which it has no room is no failure');
my ($full, $omitted) = keys_of($r);
is(join(' ', sort(split ' ', "$full $omitted")), '1 2 3 4 5 6 7',
    'uwsgi: each key is there in full, or named as omitted');
isnt($omitted, '', 'uwsgi: and some are');
SxTest::done();
