# SPDX-License-Identifier: Apache-2.0
# The tool of root in a directory of the workers: what it makes there is theirs,
# and the keys that it needs may be root's alone.
use SxTest;
use SxTest::Tool qw(tool);

my $s = SxTest::Server->new;
my $who = SxTest::Paths::test_user();
my $dir = $s->root . '/disk/sessions';
my $keys = $s->root . '/keys';

mkdir $s->root . '/disk', 0755;
is((tool('keygen', $keys))[0], 0, 'a key file of root');
$s->write_conf(<<"EOT")->start;
SessionExtKeyFile $keys
SessionExtNamespace shop
<Location "/f/">
    SessionExt On
    SessionExtStore file:$dir
</Location>
EOT
my $b = $s->browser;
$b->get('/f/cgi/app', h => ['Session-Set: user=bert']);
my ($status, $out, $err) = tool('logout', "file:$dir", 'bert',
    '--namespace', 'shop', '--keys', $keys);
is("$status $out", "0 logged out; sessions ended: 1\n",
    'root ends the sessions of a user') or diag($err);
is($b->get('/f/cgi/app')->env('SESSION_STATUS'), 'invalid',
    'as the workers see');
my @theirs = grep { (stat)[4] == $who->{uid} } my @all = glob "$dir/*/*";
is("@theirs", "@all", 'and what it wrote is theirs');
cmp_ok(scalar @all, '>=', 1, 'which is something');
$s->stop;
chown 0, 0, $dir;
is((tool('list', "file:$dir"))[0], 0, 'a directory of root is used by root');
SxTest::done();
