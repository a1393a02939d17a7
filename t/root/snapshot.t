# SPDX-License-Identifier: Apache-2.0
# A parent that is root: the snapshot is its User's own, the tool of root notes
# what it ends in the User's journal, and a directory of root is refused.
use SxTest;
use SxTest::Refusal;
use SxTest::Tool qw(tool);
use Time::HiRes qw(sleep);

my $s = SxTest::Server->new;
my ($uid, $gid) = (getpwnam $s->{user})[2, 3];
my $root = $s->root;
my ($store, $snap, $keys) = ("$root/x.shm", "$root/var/snap", "$root/keys");
mkdir "$root/$_" for qw(var theirs);
chmod 0700, "$root/var";
chown $uid, $gid, "$root/var";
is((tool('keygen', $keys))[0], 0, 'a key file of root');

my $CONF = "ShmStore sessions size=4m file=$store snapshot=%s\n"
    . "SessionExtKeyFile $keys\n<Location /s/>\nSessionExt On\n</Location>\n";
SxTest::Refusal::refused($s, ['a directory that only root may write to',
    sprintf($CONF, "$root/theirs/snap"), 'ShmStore', "$root/theirs/snap",
    'not writable', "uid $uid"]);

sub value
{
    return $_[0]->get('/s/cgi/app')->env('SESSION_VAR_n') // '-';
}

sub lose_all
{
    kill KILL => $s->pid, $s->children;
    waitpid $s->pid, 0;
    $s->stop;
    unlink $store or die "$store: $!\n";
    return $s->start;
}

$s->write_conf(sprintf $CONF, "$snap,10s");
$s->start;
my @all = map { $s->browser } 1 .. 3;
$all[$_]->get('/s/cgi/app', h => ["Session-Set: n=$_"]) for 0 .. 2;
$s->stop_whole;
my @stat = stat $snap;
is($stat[4], $uid, 'the snapshot belongs to the User');
is($stat[2] & 07777, 0600, 'and to nobody else');
is((stat((glob "$snap.journal.*")[0]))[4], $uid, 'so does its journal');
unlink $store;
$s->start;
is(join(' ', map { value($_) } @all), '0 1 2', 'the sessions are restored');

# The snapshot that a start makes at once has them all: then one is ended.
sleep 1.5;
my $handle = $all[1]->get('/s/cgi/app')->env('SESSION_HANDLE');
is((tool('destroy', $store, $handle))[0], 0, 'the tool of root ends one');
lose_all();
is(join(' ', map { value($_) } @all), '0 - 2',
    'which a restore leaves where it is');

# A smaller store: the file of before is moved aside, the snapshot fills the new
# one.
$s->stop_whole;
$s->write_conf(sprintf($CONF, $snap) =~ s/size=4m/size=2m/r);
my $mark = $s->log_mark;
$s->start;
is(join(' ', map { value($_) } @all), '0 - 2',
    'a smaller size after a stop keeps the sessions');
is(-s $store, 2 * 2**20, 'in a smaller file');
like($s->error_log_since($mark), qr/ShmStore 'sessions': 2 records came back/,
    'and the log says from where');

# A link that the User has put in its place.
$s->stop;
unlink $snap;
symlink "$root/keys", $snap;
unlink $store;
$mark = $s->log_mark;
$s->start;
is(value($all[0]), '-', 'with a link in its place the store begins empty');
like($s->error_log_since($mark), qr/nothing is restored.*symbolic link/,
    'because it is not followed');
is((stat $keys)[4], 0, 'and what it leads to is as it was');
SxTest::done();
