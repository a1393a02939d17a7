# SPDX-License-Identifier: Apache-2.0
# F5: a worker that is killed gives the messages of its page back, at once; one
# that is only slow or about to end keeps them.
use SxTest;

my $s = SxTest::Server->new(scopes => 1, php => 1)->start;
my $b = $s->browser;

sub queue
{
    return $b->post('/s/cgi/app', status => 303,
        h => ['Session-Flash: info=hello', 'Location: http://localhost/']);
}

sub shown { return $_[0]->env('FLASH_DATA') // 'none' }
sub next_page { return shown($b->get('/s/cgi/app')) }

# All of them: which one has the page cannot be told from outside.
sub kill_workers
{
    my @pids = $s->children;
    kill KILL => @pids;
    my %was = map { $_ => 1 } @pids;
    for (1 .. 500) {
        my @now = $s->children;
        return 1 if @now && !grep { $was{$_} } @now;
        select undef, undef, undef, 0.02;
    }
    return 0;
}

for my $app ('cgi/app', 'php/app.php') {
    queue();
    my $page = $b->start("/s/$app", wait => 'door');
    SxTest::reached('door');
    is(next_page(), 'none', "$app: while a worker has a page it has the message");
    ok(kill_workers(), "$app: all workers are killed and replaced");
    is(next_page(), 'info=hello', "$app: the next page shows what they had");
    is(next_page(), 'none', "$app: once");
    SxTest::release('door');
    $page->finish;
}

queue();
my $page = $b->start('/s/cgi/app', wait => 'door');
SxTest::reached('door');
$s->graceful;
is(next_page(), 'none', 'after a graceful restart an old worker has its page');
SxTest::release('door');
is(shown($page->finish), 'info=hello', 'and shows it');
is(next_page(), 'none', 'once');

# Again and again, by another process each time.
queue();
for (1 .. 3) {
    $page = $b->start('/s/cgi/app', wait => 'door');
    SxTest::reached('door');
    kill_workers();
    SxTest::release('door');
    $page->finish;
}
is(next_page(), 'info=hello', 'three workers that died with it lose nothing');
is(next_page(), 'none', 'and it is shown once');
$s->stop;
SxTest::done();
