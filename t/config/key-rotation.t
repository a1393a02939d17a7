# SPDX-License-Identifier: Apache-2.0
# H2 at reload: a bad key file leaves the old keys in use and the log says so;
# a new first line issues new cookies while old cookies keep working.
use SxTest;
use SxTest::Keys;

my $s = SxTest::Server->new;
my $file = $s->root . '/keys';
my ($old, $new) = map { SxTest::Keys::line($_) } 1, 2;

sub put { return SxTest::Keys::put($file, @_) }

# The value of `a` that the app sees.
sub seen { return $_[0]->get('/s/cgi/app')->env('SESSION_VAR_a') }

sub fresh
{
    my $b = $s->browser;
    $b->get('/s/cgi/app', h => ['Session-Set: a=1']);
    return $b;
}

# Says how a reload with this file went.
sub reload_with
{
    my ($text, $mode) = @_;
    put($text, $mode);
    my $mark = $s->log_mark;
    $s->graceful;
    return $s->error_log_since($mark);
}

put($old);
$s->write_conf("SessionExtKeyFile $file\n<Location /s/>\nSessionExt On\n"
    . "SessionExtIdleTimeout 1h\n</Location>")->start;
my $first = fresh();
is(seen($first), '1', 'a session works under the first key');
my $absent = fresh();
my $cookie = $absent->cookie('sid');

my @BAD = (
    ['has the mode 0644', $old, 0644, qr/0644/],
    ['has a short key', "1:AAAA\n", 0600, qr/line 1/],
    ['is empty', '', 0600, qr/no key/],
);
for my $row (@BAD) {
    my ($what, $text, $mode, $why) = @$row;
    my $log = reload_with($text, $mode);
    like($log, qr/SessionExtKeyFile.*$why.*stay in use/,
        "a key file that $what: the log says why and that the old keys stay");
    is(seen($first), '1', "a key file that $what: the session goes on");
    is(seen(fresh()), '1', "a key file that $what: a new one can begin");
}
unlink $file;
my $mark = $s->log_mark;
$s->graceful;
like($s->error_log_since($mark), qr/SessionExtKeyFile.*stay in use/,
    'a key file that is gone: the log says that the old keys stay');
is(seen($first), '1', 'a key file that is gone: the session goes on');

unlike(reload_with("$new$old"), qr/SessionExtKeyFile/,
    'a new first line is taken without a word');
is(seen($first), '1', 'an old cookie keeps working after the rotation');
my $second = fresh();
is(seen($second), '1', 'a new session works under the new key');

# Who did not come while both were there has a cookie of the old key only.
reload_with($new);
is($absent->get('/s/cgi/app')->env('SESSION_STATUS'), 'invalid',
    'without its key an old cookie means nothing');
is($absent->cookie('sid'), $cookie, 'and is not deleted');
is(seen($first), '1', 'who came meanwhile was given a cookie of the new key');
is(seen($second), '1', 'what the new key issued goes on');

reload_with("$new$old");
is(seen($absent), '1', 'with its key back an old cookie works again');
$s->stop;
put("$new");
$s->start;
is(seen($second), '1', 'after a stop the new key still opens its sessions');
put('nonsense');
$s->stop;
my ($up, $text) = $s->try_start;
ok(!$up, 'at a start a bad key file refuses to run');
like($text, qr/SessionExtKeyFile.*line 1/, 'and the log says why');
SxTest::done();
