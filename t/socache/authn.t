# SPDX-License-Identifier: Apache-2.0
# AuthnCacheSOCache shm_store: credentials that one process has looked up are
# known to all, over restarts, until their end and not longer.
use SxTest;
use SxTest::Segment;
use MIME::Base64 qw(encode_base64);

plan(skip_all => 'needs mod_authn_socache')
    unless SxTest::has('mod_authn_socache');
my $LIFE = 10;
my $s = SxTest::Server->new(more => ['authn_socache'], conf => <<"CONF");
AuthnCacheEnable
AuthnCacheSOCache shm_store
<Location "/kept/">
    AuthType Basic
    AuthName kept
    AuthBasicProvider socache file
    AuthUserFile run/users
    AuthnCacheProvideFor file
    AuthnCacheTimeout $LIFE
    Require valid-user
</Location>
CONF
my $users = $s->runtime_dir . '/users';
my $file = $s->runtime_dir . '/session_ext-socache-authn-socache.shm';

# SHA-1, which mod_authn_file reads and needs no tool.
sub write_users
{
    my (@names) = @_;
    require Digest::SHA;
    open my $out, '>', $users or die "$users: $!\n";
    print $out "$_:{SHA}" . encode_base64(Digest::SHA::sha1("pw-$_"), "\n")
        for @names;
    close $out or die "$users: $!\n";
    return;
}

sub status_of
{
    my ($name, $password) = @_;
    my $word = encode_base64("$name:" . ($password // "pw-$name"), '');
    return $s->browser->get('/kept/static/1k.txt',
        header => { Authorization => "Basic $word", Connection => 'close' })
        ->status;
}

# All answers of several processes, each once.
sub all_of
{
    my ($name) = @_;
    my %seen = map { $_ => 1 } map { @$_ } SxTest::parallel(4,
        sub { return [map { status_of($name) } 1 .. 8] });
    return join ' ', sort keys %seen;
}

write_users('ann', 'bob');
$s->start;
is(status_of('ann'), 200, 'ann is looked up in the file');
my $began = time;
is(SxTest::Segment::counter($file, 'creates'), 2,
    'and is in the store, beside its secret');
write_users();
is(status_of('bob'), 401, 'from now on nobody is in the file');
is(all_of('ann'), '200', 'but all processes know ann');
is(status_of('ann', 'pw-bob'), 401, 'and her password');
cmp_ok(SxTest::Segment::counter($file, 'hits'), '>=', 32,
    'because they found her in the store');

kill KILL => ($s->children)[0];
is(all_of('ann'), '200', 'the death of a process changes nothing');
$s->graceful;
is(all_of('ann'), '200', 'nor does a graceful restart');
$s->stop;
$s->start;
is(status_of('ann'), 200, 'nor a stop and start');
cmp_ok(time, '<', $began + $LIFE, 'all of that in time');

sleep 1 while time < $began + $LIFE + 1;
is(all_of('ann'), '401', 'at its end an entry is gone for all');
is(SxTest::Segment::fault($file), '', 'the file is sound');
SxTest::done();
