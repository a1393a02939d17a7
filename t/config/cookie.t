# SPDX-License-Identifier: Apache-2.0
# A cookie that a browser would refuse is an error of the configuration.
use SxTest;
use SxTest::Refusal;

my $s = SxTest::Server->new;

sub cookie
{
    return "<Location /x>\nSessionExt On\nSessionExtCookie $_[0]\n</Location>";
}

# Words, then what the sentence says.
sub row
{
    my ($words, @needles) = @_;
    return ["SessionExtCookie $words", cookie($words), 'SessionExtCookie',
        @needles];
}

SxTest::Refusal::refused($s,
    row('name=__Host-x domain=example.org secure=on', '__Host-', 'Domain'),
    row('name=__Host-x path=/shop secure=on', '__Host-', 'Path', '/'),
    row('name=__Host-x secure=off', '__Host-', 'Secure'),
    row('name=__Host-x', '__Host-', 'Secure', 'secure=on'),
    row('name=__HOST-x secure=off', '__Host-', 'Secure'),
    row('name=__Secure-x secure=off', '__Secure-', 'Secure'),
    row('samesite=none', 'SameSite=None', 'secure=on'),
    row('samesite=none secure=off', 'SameSite=None', 'Secure', 'Lax'),
    row('partitioned', 'Partitioned', 'secure=on'),
    row('partitioned secure=off', 'Partitioned', 'Secure'),
    row('samesite=loose', 'samesite=loose', 'lax, strict or none'),
    row('secure=maybe', 'secure=maybe', 'auto, on or off'),
    row('httponly=off', 'httponly=off', 'name= path= domain='),
    row('sid', "'sid'", 'name= path= domain='),
    row('name=', 'name', '1 to 1024'),
    row('"name=a b"', 'a b', 'name'),
    row('name=a;b', 'a;b', 'name'),
    row('name=a,b', 'a,b', 'name'),
    row('name=a=b', 'a=b', 'name'),
    row('path=shop', 'shop', 'Path', "'/'"),
    row('path=', 'Path', "'/'"),
    row('"path=/a b"', '/a b', 'Path'),
    row('path=/a;b', '/a;b', 'Path'),
    row('domain=', 'Domain', 'host name'),
    row('domain=a..b', 'a..b', 'Domain'),
    row('"domain=a b"', 'a b', 'Domain'),
    row('domain=http://x/', 'http://x/', 'Domain'),
    row('persistent', 'persistent', 'SessionExtKeyFile'));

SxTest::Refusal::accepted($s,
    ['samesite=none with secure=on', cookie('samesite=none secure=on')],
    ['partitioned with secure=on', cookie('partitioned secure=on')],
    ['__Host- with secure=on', cookie('name=__Host-x secure=on')],
    ['__Secure- with a domain', cookie('name=__Secure-x domain=example.org '
        . 'path=/a secure=on')],
    ['a leading dot in domain', cookie('domain=.example.org')],
    ['every word', cookie('name=x path=/y domain=example.org samesite=strict '
        . 'secure=off')]);
SxTest::done();
