# SPDX-License-Identifier: Apache-2.0
# Sessions in files under a parent that is root: the directory is the workers',
# no app has it open, and a file system that is full or read-only loses nothing
# and logs nobody out.
use SxTest;
use SxTest::Keys;

my $s = SxTest::Server->new(conf => <<'EOF2');
SessionExtKeyFile run/keys
<Location "/kept/">
    SessionExt On
    SessionExtStore file:disk/sessions
</Location>
EOF2
my $who = SxTest::Paths::test_user();
my $disk = $s->root . '/disk';
my $dir = "$disk/sessions";
my $APP = '/kept/cgi/app';
my ($mounted, $me) = (0, $$);
END { system 'umount', '-l', $disk if $mounted && $$ == $me }

SxTest::Keys::put($s->runtime_dir . '/keys', SxTest::Keys::line(1));
mkdir $disk, 0755 or die "$disk: $!\n";
if (system 'mount', '-t', 'tmpfs', '-o', 'size=1m,mode=755', 'none', $disk) {
    plan(skip_all => 'this root may not mount a file system');
}
$mounted = 1;

sub status { return $_[0]->get($APP)->env('SESSION_STATUS') }

# ---- whose it is -------------------------------------------------------------

my ($code, $text) = $s->configtest;
ok($code == 0, 'httpd -t accepts a directory to be') or diag($text);
$s->start;
my @stat = stat $dir;
is(sprintf('%04o', $stat[2] & 07777), '0700', 'root makes the directory');
is($stat[4], $who->{uid}, "and gives it to the workers' user");
my $b = $s->browser;
$b->get($APP, h => ['Session-Set: n=0']);
is($b->get($APP, h => ['Session-Incr: n=1'])->status, 200, 'they use it');
my @files = grep { (stat)[4] != $who->{uid} || (stat)[2] & 077 }
    glob "$dir/* $dir/*/*";
is("@files", '', 'and all that is in it is theirs alone');

my $tell = $s->root . '/apps/tell.pl';
open my $out, '>', $tell or die "$tell: $!\n";
print $out "#!$^X\n", <<'END';
print "Content-Type: text/plain\n\n";
print map { (readlink($_) || '') . "\n" } glob "/proc/$$/fd/*";
END
close $out;
chmod 0755, $tell;
my $said = $b->get('/kept/cgi/tell')->body;
like($said, qr/pipe|socket|null/, 'an app tells what it has open');
unlike($said, qr/\Q$dir\E/, 'and nothing of the store is among it');

$s->stop;
chown 0, 0, $dir;
($code, $text) = $s->configtest;
ok($code == 1 && $text =~ /belongs to uid 0: accepted is one of uid $who->{uid}/,
    'a directory of root itself is refused');
chown $who->{uid}, -1, $dir;
$s->start;
is($b->get($APP)->env('SESSION_VAR_n'), '1', 'one of theirs is not');

# ---- no room -----------------------------------------------------------------

my $leaver = $s->browser;
$leaver->get($APP, h => ['Session-Set: a=1']);
open my $ballast, '>', "$disk/ballast" or die "$disk: $!\n";
$ballast->autoflush(1);
1 while print {$ballast} 'x' x 4096;
close $ballast;
my $mark = $s->log_mark;
my $r = $b->get($APP, h => ['Session-Set: v=' . 'x' x 5000]);
is($r->header('Set-Cookie'), undef,
    'a write to a full file system is lost, and no cookie touched');
like($s->error_log_since($mark), qr/store in \Q$dir\E: .*No space left/,
    'the log says what and where');
$r = $b->get($APP);
is($r->env('SESSION_VAR_n'), '1', 'what was there is there');
is($r->env('SESSION_VAR_v'), undef, 'and nothing else');
my $copy = $leaver->clone;
is($leaver->get($APP, h => ['Session-Destroy: on'])->status, 200,
    'an end needs no room');
is(status($copy), 'invalid', 'and is one');
unlink "$disk/ballast";
is($b->get($APP, h => ['Session-Incr: n=1'])->status, 200,
    'with room all goes on');

# ---- read-only ---------------------------------------------------------------

if (system('mount', '-o', 'remount,ro', $disk) == 0) {
    $mark = $s->log_mark;
    is($b->get($APP)->env('SESSION_VAR_n'), '2', 'read-only, it can be read');
    $r = $b->get($APP, h => ['Session-Incr: n=1']);
    is($r->header('Set-Cookie'), undef, 'a write is lost, and no cookie touched');
    like($s->error_log_since($mark), qr/store in \Q$dir\E: .*Read-only/,
        'which the log says');
    is($b->clone->get($APP, h => ['Session-Destroy: on'])->status, 503,
        'an end that cannot be is told');
    system 'mount', '-o', 'remount,rw', $disk;
    is($b->get($APP, h => ['Session-Incr: n=1'])->status, 200,
        'and then all goes on');
    is($b->get($APP)->env('SESSION_VAR_n'), '3', 'with what was there');
}
$s->stop;
system 'umount', $disk;
$mounted = 0;
SxTest::done();
