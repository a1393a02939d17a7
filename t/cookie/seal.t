# SPDX-License-Identifier: Apache-2.0
# H4: what an app sets under a sealed name leaves sealed and comes back to it
# as it was; from a client nothing else gets there. Without sessions.
use SxTest;
use SxTest::Keys;

my $server = SxTest::Server->new(php => 1);
my $file = $server->root . '/keys';
SxTest::Keys::put($file, SxTest::Keys::line(1));
$server->write_conf(<<"EOF2")->start;
SessionExtKeyFile $file
<Location "/enc/">
    SessionExtSeal theme encrypt
    SessionExtSeal my_cart encrypt
</Location>
<Location "/sig/">
    SessionExtSeal theme sign
</Location>
<Location "/other/">
    SessionExtSeal theme encrypt
    SessionExtNamespace other
</Location>
<Location "/swap/">
    SessionExtSeal my_cart encrypt
    SessionExtSeal skin encrypt
</Location>
<Location "/proxy/">
    SessionExtSeal theme encrypt
    ProxyPass "http://127.0.0.1:\${SX_PORT}/free/" disablereuse=On
</Location>
EOF2

my @APPS = ('cgi/app', 'sh/app', SxTest::php() ? 'php/app.php' : ());
my @VALUES = ('light', '', '"q, r"', 'a  b', '%20%00+&x', 'a=b==', '1.2.',
    "\xFF\x80\xC3\xA4", '{"a":[1,2]}', 'x' x 2000);

# An app's Set-Cookie lines as they leave.
sub sets
{
    my ($b, $path, @lines) = @_;
    return $b->get($path, h => [map { "Set-Cookie: $_" } @lines])
        ->headers('Set-Cookie');
}

sub value { return $_[0] =~ /^[^=]*=([^;]*)/ ? $1 : '' }

# What an app finds of this Cookie header, and the variable.
sub seen
{
    my ($path, $cookie) = @_;
    my $r = $server->browser->get($path, header => { Cookie => $cookie });
    return map { $r->env($_) } 'HTTP_COOKIE', 'SEALED_theme';
}

sub label { return length $_[0] > 20 ? length($_[0]) . ' bytes' : $_[0] =~
    s/[^ -~]/?/gr }

# ---- there and back ----------------------------------------------------------
for my $app (@APPS) {
    for my $scope (qw(enc sig)) {
        for my $value (@VALUES) {
            my $b = $server->browser;
            my ($line) = sets($b, "/$scope/$app", "theme=$value; Path=/");
            my $label = "/$scope/$app: " . label($value);
            like($line, qr{; Path=/; HttpOnly; SameSite=Lax$},
                "$label: it leaves with attributes");
            my $sealed = value($line);
            isnt($sealed, $value, "$label: and not as it was");
            if ($scope eq 'sig') {
                is(substr($sealed, 0, length($value) + 1), "$value.",
                    "$label: but may be read");
            }
            elsif (length $value > 2) {
                unlike($line, qr/\Q$value\E/, "$label: nor to be read");
            }
            my ($cookie, $env) = seen("/$scope/$app", "theme=$sealed");
            is($cookie, "theme=$value", "$label: it comes back as it was");
            is($env, $value, "$label: also in the environment");
        }
    }
}
my $long = 'theme=' . 'y' x 500;
my $r = $server->browser->get('/proxy/cgi/app', h => ["Set-Cookie: $long"]);
my $sealed = value($r->header('Set-Cookie'));
is((seen('/proxy/cgi/app', "a=1; theme=$sealed; b=2"))[0],
    "a=1; $long; b=2", 'an app behind a proxy has it as well');
is((seen('/free/cgi/app', "theme=$sealed"))[0], "theme=$sealed",
    'where nothing is sealed a cookie is as it came');

# ---- PHP's own ---------------------------------------------------------------
SKIP: {
    skip('no PHP', 6) unless SxTest::php();
    my $b = $server->browser;
    my $r = $b->get('/enc/php/cookies.php',
        'set[]' => ['theme|two words; & more|3600|/', 'plain|1'],
        'raw[]' => ['my_cart|%41']);
    my @lines = $r->headers('Set-Cookie');
    is(scalar @lines, 3, 'setcookie() sets three');
    like($lines[0], qr{^theme=[\w-]{60,};[ ]Path=/;[ ]HttpOnly;[ ]SameSite=Lax;
        [ ]Max-Age=3600;[ ]Expires=\w{3},[ ]}x, 'a sealed one with its end');
    is($lines[1], 'plain=1', 'one that is not, as it was');
    $r = $b->get('/enc/php/cookies.php');
    is($r->body, '{"my_cart":"A","plain":"1","theme":"two words; & more"}',
        '$_COOKIE has what setcookie() was given');
    ok(length $b->cookie('theme'), 'a browser keeps it');
    $b->get('/enc/php/cookies.php', 'set[]' => ['theme||-1|/']);
    is($b->cookie('theme'), undef, 'and setcookie() deletes it');
}

# ---- what a client cannot do -------------------------------------------------
my $theme = value((sets($server->browser, '/enc/cgi/app', 'theme=light'))[0]);
my $dark = value((sets($server->browser, '/enc/cgi/app', 'theme=dark'))[0]);
my $signed = value((sets($server->browser, '/sig/cgi/app', 'theme=light'))[0]);
(my $changed = $theme) =~ s/(.)(.{9})$/($1 eq 'A' ? 'B' : 'A') . $2/e;
(my $dearer = $signed) =~ s/^light/night/;
my @NOT = (
    ['/enc', "theme=light", 'one that was never sealed'],
    ['/enc', "theme=$changed", 'one that was changed'],
    ['/sig', "theme=$dearer", 'a signed one with another value'],
    ['/enc', "my_cart=$theme", "another cookie's"],
    ['/other', "theme=$theme", "another namespace's"],
    ['/sig', "theme=$theme", 'an encrypted one where they are signed'],
    ['/enc', "theme=$signed", 'a signed one where they are encrypted'],
    ['/enc', "theme=$theme; theme=$dark", 'two genuine ones'],
    ['/enc', "theme", 'a name alone'],
    ['/enc', "theme =$theme", 'a blank behind the name'],
    ['/enc', "my.cart=$theme", "what PHP would read as another's name"],
);
for my $app (@APPS) {
    for my $row (@NOT) {
        my ($scope, $cookie, $what) = @$row;
        my ($came, $env) = seen("$scope/$app", "a=1; $cookie; b=2");
        is($came, 'a=1; b=2', "$app: $what is taken out");
        is($env, undef, "$app: $what has no variable");
        is((seen("$scope/$app", $cookie))[0], undef,
            "$app: $what leaves no empty header");
    }
    my ($came, $env) = seen("/enc/$app", "theme=x; theme=$theme; Theme=2; "
        . "theme=$theme; xtheme=3");
    is($came, 'theme=light; Theme=2; xtheme=3',
        "$app: a genuine one among others stands where it was, once");
    is($env, 'light', "$app: and in the environment");
}

# A client cannot set the variable, nor can SetEnv of a name that is not there.
$server->write_conf($server->{conf} . <<"EOF2")->graceful;
SetEnv SEALED_theme forged
EOF2
is((seen('/enc/cgi/app', 'theme=x'))[1], undef,
    'the variable is not there for a cookie that is not');
is((seen('/enc/cgi/app', "theme=$theme"))[1], 'light', 'and is the cookie\'s');

# ---- log and counters --------------------------------------------------------
sub counted
{
    my ($name) = @_;
    my $text = $server->browser->get('/server-status?auto')->body;
    return $text =~ /^SessionExt-\Q$name\E: (\d+)$/m ? $1 : undef;
}
for my $row (@NOT[0 .. 4, 7]) {
    my ($scope, $cookie, $what) = @$row;
    my $level = $row == $NOT[0] ? 'info' : 'warn';
    my ($mark, $before) = ($server->log_mark, counted('seal_broken'));
    seen("$scope/cgi/app", $cookie);
    my @lines = grep { /sealed cookie/ } split /\n/,
        $server->error_log_since($mark);
    is(scalar @lines, 1, "$what: the log says so once");
    like($lines[0], qr/session_ext:$level.* (theme|my_cart) /,
        "$what: which cookie");
    unlike($lines[0], qr/\Q$theme\E|\Q$dark\E|light|night/,
        "$what: and no value");
    is(counted('seal_broken'), $before + 1, "$what: it is counted");
}
SxTest::done();
