# SPDX-License-Identifier: Apache-2.0
# A snapshot carries sessions over the loss of the store's file, as at a reboot,
# and brings nothing back that was ended: not by logging out, by renewal or by
# the tool, before the stop or before every process was killed.
use SxTest;
use SxTest::Tool qw(tool);
use File::Copy qw(copy);
use Time::HiRes qw(sleep);

my $s = SxTest::Server->new;
my ($uid, $gid) = (getpwnam $s->{user})[2, 3];
my $dir = $s->root . '/var';
my ($store, $snap, $keys) = ($s->root . '/x.shm', "$dir/snap",
    $s->root . '/keys');
mkdir $dir, 0700 or die "$dir: $!\n";
chown $uid, $gid, $dir if !$>;
is((tool('keygen', $keys))[0], 0, 'a key file');

sub conf
{
    my ($more) = @_;
    return "ShmStore sessions size=4m file=$store snapshot=$snap,10s\n"
        . "SessionExtKeyFile $keys\n<Location /s/>\nSessionExt On\n"
        . "SessionExtRenewInterval 0\n</Location>\n"
        . "<Location /r/>\nSessionExt On\nSessionExtCookie name=sid path=/\n"
        . "SessionExtRenewInterval 1\nSessionExtRenewGrace 1\n</Location>\n"
        . ($more // '');
}
$s->write_conf(conf());

sub wait_for
{
    my ($what, $code) = @_;
    # A snapshot is due every 10 s, and takes its time beside other work.
    my $end = time + 30;
    while (time < $end) {
        return pass($what) if $code->();
        sleep 0.02;
    }
    return fail($what);
}

sub value
{
    my ($browser) = @_;
    return $browser->get('/s/cgi/app')->env('SESSION_VAR_n') // '-';
}

sub log_line
{
    my ($mark, $re) = @_;
    my ($line) = $s->error_log_since($mark) =~ /(ShmStore 'sessions': $re.*)/;
    return $line;
}

# --- stop, lose the file, start ----------------------------------------------
$s->start;
my @all = map { $s->browser } 1 .. 12;
wait_for('a snapshot is written by itself', sub { -s $snap });
# Before the next one is due: it is the last process that writes it.
$all[$_ - 1]->get('/s/cgi/app', h => ["Session-Set: n=$_"]) for 1 .. @all;
is((stat $snap)[2] & 07777, 0600, 'readable by nobody else');
is((stat _)[4], $uid, 'and belongs to the User of the server') if !$>;
$s->stop_whole;
unlink $store or die "$store: $!\n";
my $mark = $s->log_mark;
$s->start;
is(join(' ', map { value($_) } @all), join(' ', 1 .. 12),
    'the store was lost, and every session is there');
like(log_line($mark, qr/\d+ records came back/),
    qr/: 12 records .* 0 were ended since/, 'the log says how many');

# --- kill everything before the next snapshot --------------------------------
wait_for('another snapshot is there', sub { (stat $snap)[9] >= time - 5 });
sleep 1.5;
$all[0]->get('/s/cgi/app', h => ['Session-Destroy: on']);
my $thief = $all[1]->clone;
$all[1]->get('/s/cgi/app', h => ['Session-Renew: on']);
my $handle = $all[2]->get('/s/cgi/app')->env('SESSION_HANDLE');
is((tool('destroy', $store, $handle))[0], 0, 'the tool ends one, too');
$all[3]->get('/s/cgi/app', h => ['Session-Set: user=alice']);
my $late = $s->browser;
$late->get('/s/cgi/app', h => ['Session-Set: n=late']);
kill KILL => $s->pid, $s->children;
waitpid $s->pid, 0;
$s->stop;
unlink $store or die "$store: $!\n";
$mark = $s->log_mark;
$s->start;
is(value($all[0]), '-', 'a session that was ended does not come back');
is(value($thief), '-', 'nor an old id that was renewed away');
is(value($all[2]), '-', 'nor one that the tool has ended');
is(value($all[3]), '-', 'nor the id of before a log-in');
is(join(' ', map { value($all[$_]) } 4 .. 11), join(' ', 5 .. 12),
    'the others do');
is(value($late), '-', 'what came after the snapshot is lost');
like(log_line($mark, qr/\d+ records came back/), qr/ 4 were ended since/,
    'and the log counts them');
ok(value($all[4]) eq '5' && $all[4]->get('/s/cgi/app',
    h => ['Session-Incr: c=1'])->status == 200, 'they can be written');

# --- a silent renewal ---------------------------------------------------------
my $visitor = $s->browser;
$visitor->get('/r/cgi/app', h => ['Session-Set: n=silent']);
my $taken = (stat $snap)[1];
wait_for('a snapshot has it', sub { (stat $snap)[1] != $taken });
my $old = $visitor->clone;
sleep 1.2;
$visitor->get('/r/cgi/app');
isnt($visitor->cookie('sid'), $old->cookie('sid'), 'renewed by its age');
kill KILL => $s->pid, $s->children;
waitpid $s->pid, 0;
$s->stop;
unlink $store;
$s->start;
is($old->get('/r/cgi/app')->env('SESSION_VAR_n'), undef,
    'the old id leads nowhere after a restore');

# --- what cannot be restored ---------------------------------------------------
sub refused
{
    my ($what, $re, $break) = @_;
    $s->stop_whole;
    ok(-s $snap, 'the last process has left a snapshot');
    unlink $store;
    $break->();
    $mark = $s->log_mark;
    $s->start;
    is(value($all[5]), '-', "$what: the store begins empty");
    like(log_line($mark, qr/nothing is restored/), $re, 'and one line says so');
    ok(-e "$snap.refused", 'it is set aside');
    $all[5]->get('/s/cgi/app', h => ['Session-Set: n=6']);
    is(value($all[5]), '6', 'and the store works');
    wait_for('with snapshots of its own', sub { -s $snap });
    return;
}

sub poke
{
    my ($file, $where) = @_;
    open my $io, '+<:raw', $file or die "$file: $!\n";
    seek $io, $where, 0;
    read $io, my $byte, 1;
    seek $io, $where, 0;
    print $io chr(ord($byte) ^ 1);
    close $io;
    return;
}
refused('a damaged snapshot', qr/\Q$snap\E: does not open .*changed/,
    sub { poke($snap, (-s $snap) - 20) });
refused('a damaged journal', qr/\Q$snap\E\.journal\.\d+.*damaged/,
    sub { poke((glob "$snap.journal.*")[0], 2) });
refused('another key', qr/\Q$snap\E.*does not open with key 1/,
    sub { unlink $keys; tool('keygen', $keys) });

# --- by hand ------------------------------------------------------------------
my $hand = $s->root . '/by-hand';
my ($status, $out, $err) = tool('snapshot', $store, $hand, $keys);
is($status, 0, 'the tool writes a snapshot') or diag($err);
like($out, qr/^\d+ records in \Q$hand\E$/, 'and says how much is in it');
is((tool('snapshot', $store, $hand, $keys))[0], 3, 'it overwrites nothing');
my $again = $all[5]->clone;
$all[5]->get('/s/cgi/app', h => ['Session-Destroy: on']);
($status, $out, $err) = tool('restore', $store, $hand, $keys);
is($status, 3, 'without a journal it is not restored');
like($err, qr/no journal.*--force/, 'and the tool says what would');
($status, $out, $err) =
    tool('--json', 'restore', '--force', $store, $hand, $keys);
is($status, 0, 'by force it is') or diag($err);
like($out, qr/"restored": 1,/, 'and says how many came back');
is(value($again), '6', 'the session is there again');
is((tool('restore', $store, "$hand.no", $keys))[0], 1, 'no such snapshot');
is((tool('snapshot', $store, $hand))[0], 2, 'an operand too few');
is((tool('stats', '--force', $store))[0], 2, '--force where it means nothing');
SxTest::done();
