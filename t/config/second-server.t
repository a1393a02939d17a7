# SPDX-License-Identifier: Apache-2.0
# One server a store: a second one is refused while the first lives, also when
# of the first only children are left, and may have it afterwards.
use SxTest;
use Time::HiRes qw(sleep);

my $first = SxTest::Server->new;
my $second = SxTest::Server->new;
my $file = $first->root . '/x.shm';
my $CONF = "ShmStore sessions size=1m file=$file\n"
    . "<Location /s/>\nSessionExt On\n</Location>\n";

sub refused
{
    my ($when) = @_;
    my ($up, $text) = $second->try_start;
    ok(!$up, "a second server is refused $when");
    like($text, qr/ShmStore 'sessions'.*\Q$file\E.*another server/,
        "and the log says why $when");
    return;
}

$_->write_conf($CONF) for $first, $second;
$first->start;
my $b = $first->browser;
$b->get('/s/cgi/app', h => ['Session-Set: a=1']);
is(($second->configtest)[0], 0, 'httpd -t of a second one disturbs nobody');
refused('while the first runs');
is($b->get('/s/cgi/app')->env('SESSION_VAR_a'), '1',
    'the first did not notice');
$first->graceful;
refused('after a graceful restart of the first');

# A restart is told in the log before it has new children: wait for some, or
# nobody would be left.
is($b->get('/s/cgi/app')->env('SESSION_VAR_a'), '1', 'which goes on');
for (1 .. 500) {
    last if $first->children >= 2;
    sleep 0.01;
}
# Children of threaded servers would see that their parent is gone; those of
# prefork do not, and would be woken if they were stopped.
my @orphans = $first->children;
kill STOP => @orphans if SxTest::mpm() ne 'prefork';
kill KILL => $first->pid;
waitpid $first->pid, 0;
refused('while orphans of the first live');
kill CONT => @orphans;
my $group = $first->pid;
$first->stop;
for (1 .. 500) {
    last unless kill 0 => -$group;
    sleep 0.01;
}

my ($up, $text) = $second->try_start;
ok($up, 'when the first is gone the second may have the store') or diag($text);
$second->stop;
$first->start;
is($b->get('/s/cgi/app')->env('SESSION_VAR_a'), '1',
    'and the session went through all of that');
SxTest::done();
