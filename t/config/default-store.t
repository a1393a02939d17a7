# SPDX-License-Identifier: Apache-2.0
# What nobody uses is not made: no segment and no key file; and what is used
# needs no more than SessionExt On.
use SxTest;

my $s = SxTest::Server->new;
my $run = $s->runtime_dir;
my $store = "$run/session_ext-sessions.shm";
my $keys = "$run/session_ext.keys";

sub with
{
    my ($conf) = @_;
    $s->stop;
    unlink glob "$run/*.shm $run/*.keys";
    $s->write_conf($conf)->start;
    return;
}

sub made { return join ' ', map { s{.*/}{}r } sort glob "$run/session_ext*" }

with('');
is(made(), '', 'without sessions nothing is made');

with("SessionExt Off\nSessionExtIdleTimeout 5m\nSessionExtStore shm\n"
    . "<Location /x>\nSessionExt Off\n</Location>");
is(made(), '', 'nor where they are off');

with("ShmStore other size=1m\n<Location /s/>\nSessionExt On\n"
    . "SessionExtStore shm:other\n</Location>");
is(made(), 'session_ext-other.shm session_ext.keys',
    'with another store the default one is not made');
my $b = $s->browser;
$b->get('/s/cgi/app', h => ['Session-Set: a=1']);
is($b->get('/s/cgi/app')->env('SESSION_VAR_a'), '1',
    'sessions live in the other store');

with("<Location /s/>\nSessionExt On\n</Location>");
is(made(), 'session_ext-sessions.shm session_ext.keys',
    'SessionExt On alone makes store and keys');
is(-s $store, 64 * 2**20, 'the default store has 64m');
is((stat $store)[2] & 07777, 0600, 'the store is closed to others');
is((stat $keys)[2] & 07777, 0600, 'so is the key file');
is((stat $store)[12] * 512 >= 64 * 2**20, 1,
    'its blocks are allocated, so that memory cannot run out later');

# Without a size of its own it has that of its file, if that is one.
for my $length (777, 0, 3 * 2**20 + 5) {
    $s->stop;
    truncate $store, $length;
    my ($up, $text) = $s->try_start;
    ok($up, "a default store of $length bytes: httpd starts") or diag($text);
    $s->browser->get('/s/cgi/app', h => ['Session-Set: a=1']);
    cmp_ok(-s $store, '>=', 2**20, "and it is a store again");
}
my $again = $s->browser;
$again->get('/s/cgi/app', h => ['Session-Set: a=2']);
is($again->get('/s/cgi/app')->env('SESSION_VAR_a'), '2',
    'and sessions work after all that');

# httpd -t tells and does not do.
$s->stop;
unlink glob "$run/session_ext*";
is(($s->configtest)[0], 0, 'httpd -t passes');
is(made(), '', 'httpd -t makes nothing');

open my $old, '>', $keys or die "$keys: $!\n";
print $old "1:short\n";
close $old;
chmod 0600, $keys;
my ($up, $text) = $s->try_start;
ok(!$up, 'a damaged generated key file refuses to run');
like($text, qr/SessionExtKeyFile.*\Q$keys\E.*line 1/, 'and the log says why');
SxTest::done();
