# SPDX-License-Identifier: Apache-2.0
# SessionExtSeal: what is refused, and that a sealed cookie needs keys that
# outlive a reboot, sessions or not.
use SxTest;
use SxTest::Keys;
use SxTest::Refusal;

my $s = SxTest::Server->new;
my $file = $s->root . '/keys';
SxTest::Keys::put($file, SxTest::Keys::line(1));

sub seal
{
    return "SessionExtKeyFile $file\n<Location /x>\nSessionExtSeal $_[0]\n"
        . '</Location>';
}

# Words, then what the sentence says.
sub row
{
    my ($words, @needles) = @_;
    return ["SessionExtSeal $words", seal($words), 'SessionExtSeal', @needles];
}

my $KEYS = ["'theme'", 'outlives a reboot', 'SessionExtKeyFile is needed'];
SxTest::Refusal::refused($s,
    row('theme', 'sign, encrypt or off'),
    row('theme scramble', "'scramble'", 'sign, encrypt or off'),
    row('theme encrypt max-age=0', 'max-age=0', '1s to 400d'),
    row('theme encrypt max-age=401d', 'max-age=401d', '1s to 400d'),
    row('theme encrypt max-age=soon', 'max-age=soon', 'a duration'),
    row('theme encrypt colour=red', 'colour=red', 'max-age= path= domain='),
    row('theme encrypt name=x', 'name=x', 'max-age= path= domain='),
    row('theme encrypt persistent', 'persistent', 'max-age= path= domain='),
    row('theme encrypt httponly=maybe', 'httponly=maybe', 'on or off'),
    row('theme encrypt samesite=loose', 'samesite=loose',
        'lax, strict or none'),
    row('theme encrypt samesite=none', 'SameSite=None', 'secure=on'),
    row('theme encrypt partitioned secure=off', 'Partitioned', 'Secure'),
    row('theme encrypt path=x', 'path=x', "'/'"),
    row('theme encrypt domain=a..b', 'a..b', 'host name'),
    row('theme off path=/', 'path=/', 'off') ,
    row('"" encrypt', 'name'),
    row('a;b encrypt', 'a;b', 'name'),
    row('__Host-x encrypt', '__Host-x', 'Secure', 'secure=on'),
    row('__Host-x encrypt secure=on path=/a', '__Host-x', 'Path'),
    row('__Host-x encrypt secure=on domain=a.b', '__Host-x', 'Domain'),
    row('__Secure-x sign secure=off', '__Secure-x', 'Secure'),
    ['no key file', '<Location /x>
SessionExtSeal theme sign
</Location>', @$KEYS],
    ['none in one of two hosts', "<VirtualHost *:1>
SessionExtKeyFile $file
SessionExtSeal theme sign
</VirtualHost>
<VirtualHost *:1>
SessionExtSeal theme sign
</VirtualHost>", @$KEYS],
    ['none but in a host, and the seal is outside of it', "<Location /x>
SessionExtSeal theme sign
</Location>
<VirtualHost *:1>
SessionExtKeyFile $file
</VirtualHost>", @$KEYS],
    ['the id cookie', "SessionExtKeyFile $file
<Location /x>
SessionExt On
SessionExtSeal sid encrypt
</Location>", "'sid'", 'id cookie', 'any other'],
    ['the id cookie over TLS', "SessionExtKeyFile $file
<Location /x>
SessionExt On
SessionExtSeal __Host-sid encrypt secure=on
</Location>", "'__Host-sid'", 'id cookie'],
    ['the id cookie, from outside', "SessionExtKeyFile $file
SessionExtSeal my_id encrypt
<Location /x>
SessionExt On
SessionExtCookie name=my_id
</Location>", "'my_id'", 'id cookie'],
    ['the id cookie of a host, from outside', "SessionExtKeyFile $file
<Location /x>
SessionExtSeal my_id encrypt
</Location>
<VirtualHost *:1>
SessionExt On
SessionExtCookie name=my_id
</VirtualHost>", "'my_id'", 'id cookie']);

SxTest::Refusal::accepted($s,
    ['signed', seal('theme sign')],
    ['encrypted, with every word', seal('theme encrypt max-age=400d path=/a '
        . 'domain=.example.org samesite=none secure=on httponly=off '
        . 'partitioned')],
    ['a prefix', seal('__Host-x encrypt secure=on')],
    ['off', seal('theme off')],
    ['the name of an id cookie where there are no sessions', seal('sid sign')],
    ['off needs no keys', "<Location /x>\nSessionExtSeal theme off\n</Location>"],
    ['a later line for the same name', "SessionExtKeyFile $file\n"
        . "SessionExtSeal theme sign\nSessionExtSeal theme encrypt"]);

# The later line of a scope counts, the inner scope more, and .htaccess may not.
$s->write_conf(<<"EOF2")->start;
SessionExtKeyFile $file
SessionExtSeal theme sign
SessionExtSeal theme encrypt
<Location "/x/">
    SessionExtSeal theme sign
</Location>
<Directory "\${SX_T}/htdocs/narrow">
    AllowOverride AuthConfig
</Directory>
EOF2
sub sent
{
    return $s->browser->get("/$_[0]/cgi/app", h => ['Set-Cookie: theme=l'])
        ->header('Set-Cookie');
}
unlike(sent('any'), qr/^theme=l/, 'the later of two lines counts');
like(sent('x'), qr/^theme=l\./, 'and an inner scope more');
my $ht = $s->root . '/htdocs/narrow/.htaccess';
open my $out, '>', $ht or die "$ht: $!\n";
print $out "SessionExtSeal theme off\n";
close $out;
is($s->browser->get('/narrow/cgi/app')->status, 500,
    'a .htaccess file may not say it');
unlink $ht;
SxTest::done();
