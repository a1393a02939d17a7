# SPDX-License-Identifier: Apache-2.0
# SessionExtStore redis:URL: what httpd -t accepts and refuses, and that it tells
# no password.  It asks no Redis: that may come later than httpd.
use SxTest;
use SxTest::Keys;
use SxTest::Refusal;

my $s = SxTest::Server->new;
my $KEYS = "SessionExtKeyFile run/keys\n";
my $file = $s->runtime_dir . '/password';
SxTest::Keys::put($s->runtime_dir . '/keys', SxTest::Keys::line(1));
SxTest::Keys::put($file, "secret\n");

sub scope
{
    my ($word, $more) = @_;
    return "<Location /s/>\nSessionExt On\nSessionExtStore $word\n"
        . ($more // '') . "\n</Location>\n";
}
sub given { return $KEYS . scope(@_) }

SxTest::Refusal::accepted($s,
    ['a host', given('redis://localhost')],
    ['the same, as the others are written', given('redis:redis://localhost:7000/3')],
    ['a host with TLS', given('rediss://localhost')],
    ['a socket', given('redis:unix:/run/redis.sock?db=2')],
    ['a password in the URL', given('redis://web:secret@localhost')],
    ['one in a file', given("redis://web\@localhost?password-file=$file")],
    ['two scopes with one Redis', given('redis://:secret@localhost')
        . scope('redis://:secret@localhost') =~ s{/s/}{/x/}r],
    ['two that are apart', given('redis://:secret@localhost')
        . scope('redis://:other@localhost/1') =~ s{/s/}{/x/}r]);
SxTest::Refusal::refused($s,
    ['keys that a reboot takes away', scope('redis://localhost'),
        'SessionExtStore redis://localhost:6379', 'reboot', 'SessionExtKeyFile'],
    ['PHP, which cannot open it', given('redis://localhost', 'SessionExtPHP On'),
        'SessionExtPHP', 'shm'],
    ['nothing', given('redis:'), "'redis:'", 'accepted is redis://'],
    ['what only begins like it', given('redisx'), "'redisx'", 'redis:URL'],
    ['no such scheme', given('redis:http://localhost'), 'redis://'],
    ['a certificate without TLS', given('redis://localhost?ca-file=/etc/ca.pem'),
        'rediss://'],
    ['authorities that are none', given("rediss://localhost?ca-file=$file"),
        "ca-file '$file'"],
    ['an option that is none', given('redis://localhost?timeout=1'),
        'no such option', 'password-file'],
    ['a file that is not there', given('redis://localhost?password-file=/nowhere'),
        "password-file '/nowhere'", 'opened'],
    ['two keys to one place', given('redis://:secret@localhost')
        . scope('redis://:other@localhost') =~ s{/s/}{/x/}r,
        "'redis://...\@localhost'", 'another user, password or file']);
chmod 0644, $file;
SxTest::Refusal::refused($s,
    ['a file that others can read', given("redis://localhost?password-file=$file"),
        $file, 'others', '0600']);

for my $bad ('redis://:secret@localhost/x', 'redis://web:secret@',
    'redis:unix:secret@x', 'rediss://:secret@localhost/x') {
    $s->write_conf(given($bad));
    my ($code, $said) = $s->configtest;
    ok($code != 0 && $said !~ /secret/, "what is wrong with $bad is said without it");
}
SxTest::done();
