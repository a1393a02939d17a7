# SPDX-License-Identifier: Apache-2.0
# A parent that is root: segment and keys are root's and closed, workers cannot
# open them by any path, and apps inherit neither.
use SxTest;
use POSIX ();

my $s = SxTest::Server->new(scopes => 1);
my $who = SxTest::Paths::test_user();
my $run = $s->runtime_dir;
my %file = (segment => "$run/session_ext-sessions.shm",
    'key file' => "$run/session_ext.keys");

# What the shell command says when a worker's user runs it.
sub as_worker
{
    my ($command) = @_;
    open my $out, '-|', 'setpriv', "--reuid=$who->{uid}", "--regid=$who->{gid}",
        '--clear-groups', 'sh', '-c', "($command) 2>&1" or die "setpriv: $!\n";
    local $/;
    my $text = readline $out;
    close $out;
    return defined $text ? $text : '';
}

$s->start;
my $b = $s->browser;
$b->get('/s/cgi/app', h => ['Session-Set: a=1']);
is($b->get('/s/cgi/app')->env('SESSION_VAR_a'), '1', 'sessions work');
my ($worker) = $s->children;
for my $what (sort keys %file) {
    my @stat = stat $file{$what};
    is($stat[2] & 07777, 0600, "the $what has mode 0600");
    is($stat[4], 0, "the $what belongs to root");
    like(as_worker("cat $file{$what} | wc -c"), qr/Permission denied/,
        "a worker's user cannot read the $what by its path");
    like(as_worker("echo x >$file{$what}"), qr/Permission denied/,
        "nor write it");
}
like(as_worker("echo x >$run/session_ext.keys.1"), qr/Permission denied/,
    'nor put a file beside them');
like(as_worker("ls /proc/$worker/fd"), qr/denied/i,
    'nor look at what a worker has open');

# The app says what it has open and mapped.
my $tell = $s->root . '/apps/tell.pl';
open my $out, '>', $tell or die "$tell: $!\n";
print $out "#!$^X\n", <<'END';
print "Content-Type: text/plain\n\n";
print map { (readlink($_) || '') . "\n" } glob "/proc/$$/fd/*";
open my $maps, '<', "/proc/$$/maps";
print readline $maps;
END
close $out;
chmod 0755, $tell;
my $said = $b->get('/s/cgi/tell')->body;
like($said, qr/perl/, 'an app tells what it has open and mapped');
unlike($said, qr/session_ext/, 'and nothing of ours is among it');
SxTest::done();
