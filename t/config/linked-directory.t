# SPDX-License-Identifier: Apache-2.0
# A directory of the administrator's may be a symbolic link, as /var/run is on
# most systems: it is looked up at start, and the store's file is made behind
# it.  (The file itself may not be one.)
use SxTest;

my $s = SxTest::Server->new;
my $real = $s->root . '/place';
my $link = $s->root . '/link';

mkdir $real;
symlink $real, $link;
$s->write_conf("ShmStore x size=1m file=$link/x.shm\n<Location /s/>\n"
    . "SessionExt On\nSessionExtStore shm:x\n</Location>");
$s->start;
ok(-f "$real/x.shm", 'the file of the store lies behind the link');
my $b = $s->browser;
$b->get('/s/cgi/app', h => ['Session-Set: a=1']);
is($b->get('/s/cgi/app')->env('SESSION_VAR_a'), 1, 'and keeps sessions');
SxTest::done();
