# SPDX-License-Identifier: Apache-2.0
# SessionExtStore cookie: the cookie carries the session, and an app notices
# nothing of it, not even when there is more than a cookie holds.
use SxTest;

my $server = SxTest::Server->new(scopes => 1, php => 1, conf => <<'EOF2');
SessionExtKeyFile run/keys
<Location "/carried/">
    SessionExt On
    SessionExtStore cookie
</Location>
EOF2
my $file = $server->runtime_dir . '/keys';

sub write_keys
{
    open my $out, '>', $file or die "$file: $!\n";
    print $out "$_\n" for @_;
    close $out;
    chmod 0600, $file or die "$file: $!\n";
    return;
}

my $OLD = '1:QUJDREVGR0hJSktMTU5PUFFSU1RVVldYWVphYmNkZWY=';
my $NEW = '2:YWJjZGVmZ2hpamtsbW5vcHFyc3R1dnd4eXpBQkNERUY=';
write_keys($OLD);
$server->start;

my $APP = '/carried/cgi/app';
my $PHP = SxTest::php() ? '/carried/php/app.php' : $APP;

sub carried { return length($_[0]->cookie('sid') // '') > 49 }
sub status  { return $_[0]->get($APP)->env('SESSION_STATUS') }

my $b = $server->browser;
my $r = $b->get($APP, h => ['Session-Set: role=staff&n=0',
    'Session-Flash: info=Welcome'], status => 302);
like($r->header('Set-Cookie') // '', qr/^sid=\S{48}\.[\w-]+; .*HttpOnly/,
    'a session begins in its cookie');
$r = $b->get($PHP);
is($r->env('SESSION_VAR_role'), 'staff', 'another app reads it');
is($r->env('FLASH_info'), 'Welcome', 'and shows its message');
is($b->get($PHP)->env('FLASH_COUNT') // 0, 0, 'once');
$r = $b->get($PHP);
is($r->header('Set-Cookie'), undef,
    'no cookie is sent when nothing has changed');
unlike($r->env('HTTP_COOKIE') // '', qr/sid=/, 'apps do not see it');

# Requests at the same time, with whatever cookie each has.
my @failed = SxTest::parallel(8, sub {
    my $bad = 0;
    for (1 .. 10) {
        $bad++ if $b->clone->get($PHP, h => ['Session-Incr: n=1'])->status != 200;
    }
    return $bad;
});
is("@failed", join(' ', (0) x 8), '80 increments with one cookie are answered');
is($b->get($APP)->env('SESSION_VAR_n'), '80', 'and none is lost');

# More than a cookie holds, and back.
$b->get($APP, h => ['Session-Set: big=' . 'x' x 5000]);
ok(!carried($b), 'a session that is too large leaves the cookie');
is(length($b->get($PHP)->env('SESSION_VAR_big')), 5000, 'and nobody notices');
$b->get($APP, h => ['Session-Unset: big']);
ok(carried($b), 'nor when it goes back');
is($b->get($PHP)->env('SESSION_VAR_n'), '80', 'with all that it had');

# Behind the headers.
$b->get('/carried/ssi/query.shtml?h=' . 'Session-Set:%20late%3D1');
is($b->get($APP)->env('SESSION_VAR_late'), '1',
    'what a part of a page writes after the headers is there');

# Ends.
my $thief = $b->clone;
my $slow = $b->clone;
$b->get($APP, h => ['Session-Destroy: on']);
is($b->cookie('sid'), undef, 'Destroy takes the cookie back');
is(status($thief), 'invalid', 'and a copy of it is worth nothing');
$slow->get($APP, h => ['Session-Set: role=staff']);
isnt($slow->get($APP)->env('SESSION_VAR_n'), '80', 'nobody brings it back');

my ($desk, $phone, $other) = map { $server->browser } 1 .. 3;
$_->get($APP, h => ['Session-Set: user=alice']) for $desk, $phone;
$other->get($APP, h => ['Session-Set: user=bert']);
my $planted = $other->clone;
$other->get($APP, h => ['Session-Set: user=carol']);
is(status($planted), 'invalid', 'a log-in ends the cookie of before');
$desk->get($APP, h => ['Session-Logout: others']);
is(join(' ', map { status($_) } $desk, $phone, $other),
    'active invalid active', 'a logout everywhere ends what cookies carry');

# Restarts.
$server->graceful;
is(status($desk), 'active', 'it outlives a graceful restart');
$server->stop;
$server->start;
is(join(' ', map { status($_) } $desk, $phone, $thief),
    'active invalid invalid', 'and a stop, and so does every end');

# A rotation.
write_keys($NEW, $OLD);
$server->graceful;
my $racing = $desk->clone;
my $id = substr $desk->cookie('sid'), 0, 48;
$r = $desk->get($PHP);
is($r->env('SESSION_USER'), 'alice', 'another first key: the session is there');
isnt(substr($desk->cookie('sid'), 0, 48), $id, 'and gets an id of that key');
$racing->get($PHP, h => ['Session-Set: late=1']);
is($desk->get($PHP)->env('SESSION_VAR_late'), '1',
    'a request that came with the old one writes to it');
$desk->get($PHP, h => ['Session-Set: now=1']);
ok(carried($desk), 'it is carried again');
write_keys($NEW);
$server->graceful;
is(status($desk), 'active', 'and needs the old key no longer');

# Another store's cookies mean nothing.
$id = substr $desk->cookie('sid'), 0, 48;
$r = $server->browser->get('/s/cgi/app', cookie => "sid=$id");
isnt($r->env('SESSION_STATUS'), 'active',
    'the id alone opens nothing in the store beside it');
$server->stop;
my $shm = $server->runtime_dir . '/session_ext-sessions.shm';
unlink $shm or die "$shm: $!\n";
$server->start;
is(status($desk), 'invalid',
    'with the store that knew the ends all cookies are gone');
SxTest::done();
