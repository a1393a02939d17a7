# SPDX-License-Identifier: Apache-2.0
# What is sent in place of an app's Set-Cookie: K3, K4, attributes, one of a
# name, on every path that an answer takes.
use SxTest;
use SxTest::Keys;

my $server = SxTest::Server->new(php => 1);
my $file = $server->root . '/keys';
SxTest::Keys::put($file, SxTest::Keys::line(1));
$server->write_conf(<<"EOF2")->start;
SessionExtKeyFile $file
<Location "/enc/">
    SessionExtSeal theme encrypt
    SessionExtSeal __Host-cart encrypt secure=on
</Location>
<Location "/attr/">
    SessionExtSeal theme encrypt max-age=1m path=/attr domain=localhost \\
        samesite=none secure=on partitioned
    SessionExtSeal text sign httponly=off
</Location>
<Location "/enc/cgi/app/inner">
    SessionExtSeal theme off
    SessionExtSeal text sign
</Location>
<Location "/sess/">
    SessionExt On
    SessionExtSeal theme encrypt
</Location>
<Location "/edit/">
    SessionExtSeal theme encrypt
    Header always edit Set-Cookie "(?i)SameSite=Lax" "SameSite=Strict; Priority=High"
    Header always add Set-Cookie "late=1"
</Location>
<Location "/late/">
    SessionExtSeal theme encrypt
    Header add Set-Cookie "theme=by-configuration; Path=/"
</Location>
<Location "/err/">
    SessionExtSeal theme encrypt
    ErrorDocument 404 /free/cgi/app?h=Set-Cookie:+extra=1
    ErrorDocument 500 "sorry"
</Location>
<Location "/proxy/">
    SessionExtSeal theme encrypt
    ProxyPass "http://127.0.0.1:\${SX_PORT}/free/" disablereuse=On
</Location>
EOF2

my @APPS = ('cgi/app', 'sh/app', SxTest::php() ? 'php/app.php' : (), 'proxy');

# An app's Set-Cookie lines as they leave, those of sealed ones without value.
sub sets
{
    my ($path, $lines, %more) = @_;
    my @h = map { "Set-Cookie: $_" } @$lines;
    $path = '/proxy/cgi/app' if $path =~ /proxy$/;
    my $r = $server->browser->get($path, h => [@h, @{ delete $more{h} || [] }],
        %more);
    my @set = $r->headers('Set-Cookie');
    s/^((?:theme|__Host-cart)=)[\w-]{60,}/$1*/ for @set;
    return join ' | ', @set;
}

my $ATTR = '; HttpOnly; SameSite=Lax';
my @OTHER = ('a=1; Path=/x', 'A="q; Secure', 'Theme=x', 'xtheme=theme=1',
    'theme2=x', "b=\xFF\x80 ,c=2", 'empty=; Max-Age=0', 'word', ' spaced = x ');
for my $app (@APPS) {
    my @trimmed = map { s/^ +| +$//gr } @OTHER;
    is(sets("/enc/$app", \@OTHER), join(' | ', @trimmed),
        "$app: other cookies leave as they were, bit for bit");
    is(sets("/enc/$app", [@OTHER[0 .. 2], 'theme=l', @OTHER[3 .. 8]]),
        join(' | ', @trimmed[0 .. 2], "theme=*$ATTR", @trimmed[3 .. 8]),
        "$app: also beside a sealed one, and in their order");
    is(sets("/enc/$app", ['theme=l', 'a=1', 'theme=m; Path=/z']),
        "a=1 | theme=*; Path=/z$ATTR", "$app: of one name the last is sent");
    is(sets("/enc/$app", ['theme=gone; Max-Age=0; Path=/z']),
        "theme=; Path=/z$ATTR; Max-Age=0; Expires=Thu, 01 Jan 1970 00:00:00 "
            . 'GMT', "$app: a deletion leaves with its attributes");
    for my $status (302, 304, 404, 500) {
        is(sets("/enc/$app", ['theme=l', 'a=1'], status => $status,
                h => [$status == 302 ? 'Location: http://localhost/' : ()]),
            "theme=*$ATTR | a=1", "$app: also beside a $status");
    }
}
is(sets('/enc/cgi/app', ['theme=l'], method => 'HEAD'), "theme=*$ATTR",
    'to HEAD as well');

# ---- attributes --------------------------------------------------------------
like(sets('/attr/cgi/app', ['theme=l; Max-Age=3600']), qr{^theme=\*;[ ]
    Path=/attr;[ ]Secure;[ ]HttpOnly;[ ]SameSite=None;[ ]Domain=localhost;[ ]
    Partitioned;[ ]Max-Age=60;[ ]Expires=[^;]+\ GMT$}x,
    'what the app lacks is what the directive says, max-age at most');
is(sets('/attr/cgi/app', ['theme=l; Path=/x; SameSite=Strict']),
    'theme=*; Path=/x; Secure; HttpOnly; SameSite=Strict; Domain=localhost; '
        . 'Partitioned', 'what it says stays');
like(sets('/attr/cgi/app', ['text=l']), qr/^text=l\.[\w-]+; SameSite=Lax$/,
    'httponly=off leaves it to scripts');
is(sets('/enc/cgi/app', ['theme=l; Priority=High; x=y']),
    "theme=*$ATTR; Priority=High; x=y", 'an attribute that is unknown stays');
like(sets('/enc/cgi/app', ['theme=l; Max-Age=99999999999']),
    qr/Max-Age=34560000;/, 'no cookie is kept for more than 400 days');
is(sets('/enc/cgi/app', ['__Host-cart=l']), "__Host-cart=*; Path=/; Secure$ATTR",
    'a prefix has what it needs');

# ---- scopes ------------------------------------------------------------------
is(sets('/enc/cgi/app/inner', ['theme=l']), 'theme=l',
    'an inner scope may say off');
like(sets('/enc/cgi/app/inner', ['__Host-cart=l', 'text=l']),
    qr/^__Host-cart=\*.* \| text=l\.[\w-]+; HttpOnly/,
    'and add to what it has from outside');
is(sets('/sess/cgi/app', ['theme=l'], h => ['Session-Set: a=1'])
    =~ s/sid=[\w-]+/sid=*/r, "theme=*$ATTR | sid=*; Path=/$ATTR",
    'beside a session');

# ---- not sent ----------------------------------------------------------------
sub refused
{
    my ($path, $line, $why, $what) = @_;
    my $mark = $server->log_mark;
    is(sets($path, [$line, 'a=1']), 'a=1', "$what: it is not sent");
    my @lines = grep { /to be sealed/ } split /\n/,
        $server->error_log_since($mark);
    is(scalar @lines, 1, "$what: the log says so once");
    like($lines[0], qr/session_ext:warn.*$why/, "$what: which one and why");
    unlike($lines[0], qr/secret/, "$what: without its value");
    return;
}
for my $app (grep { $_ ne 'sh/app' } @APPS) {
    my $path = "/enc/$app";
    refused($path, 'theme=secret' . 'x' x 4000,
        qr/cookie theme .* have \d{4} bytes, of which browsers keep 4096/,
        "$app: too long");
    refused($path, 'theme=secret; SameSite=None',
        qr/cookie theme .* SameSite=None/, "$app: None without Secure");
    refused($path, '__Host-cart=secret; Domain=example.org',
        qr/cookie __Host-cart .* Domain/, "$app: __Host- with a Domain")
        unless $app eq 'proxy';
}
{
    my $b = $server->browser;
    my $get = sub { $b->get('/enc/cgi/app', h => ["Set-Cookie: $_[0]"]) };
    $get->('theme=first; Path=/');
    $get->('theme=' . 'x' x 4000);
    is($b->get('/enc/cgi/app')->env('SEALED_theme'), 'first',
        'the browser keeps what it had, and so the app can tell');
}
like($server->browser->get('/server-status?auto')->body,
    qr/^SessionExt-seal_unsent: [1-9]/m, 'they are counted');

# ---- paths -------------------------------------------------------------------
is(sets('/edit/cgi/app', ['theme=l']), 'theme=*; HttpOnly; SameSite=Strict; '
    . 'Priority=High | late=1', 'what mod_headers edits is not sealed again');
is(sets('/late/cgi/app', []), "theme=*; Path=/$ATTR",
    'what mod_headers adds is sealed');
is(sets('/late/static/1k.txt', []), "theme=*; Path=/$ATTR",
    'also to a plain file');
is(sets('/enc/cgi/app', ['theme=l'], type => '',
    h => ['Location: /free/cgi/app']), "theme=*$ATTR",
    'before a local redirect, to wherever it leads');
is(sets('/enc/cgi/app', ['theme=l'], type => '',
    h => ['Location: /enc/cgi/app?h=Set-Cookie:+theme=m']), "theme=*$ATTR",
    'and one of the name if the target sets it, too');
is(sets('/err/cgi/none', []), 'extra=1', 'an ErrorDocument is of its own scope');
SxTest::done();
