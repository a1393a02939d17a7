# SPDX-License-Identifier: Apache-2.0
# Guesses at ids are counted, all kinds of them, and cost the log no line and a
# session nothing.
use SxTest;

my $server = SxTest::Server->new(scopes => 1, conf => <<'EOF2');
<Location "/server-status">
    SetHandler server-status
</Location>
EOF2
$server->start;

sub invalid
{
    my $text = $server->browser->get('/server-status?auto')->body;
    return $text =~ /^SessionExt-invalid: (\d+)$/m ? $1 : 'not there';
}

my $b = $server->browser;
$b->get('/s/cgi/app', h => ['Session-Set: a=1']);
my $id = $b->cookie('sid');
my $gone = $server->browser;
$gone->get('/s/cgi/app', h => ['Session-Set: a=1']);
my $ended = $gone->cookie('sid');
$gone->get('/s/cgi/app', h => ['Session-Destroy: on']);
is(invalid(), 0, 'good ids are not counted');

my @GUESSES = ('', 'x', 'A' x 47, 'A' x 48, 'A' x 49, 'A' x 4_000,
    substr($id, 0, 47) . (substr($id, 47) eq 'A' ? 'B' : 'A'), $ended);
my $mark = $server->log_mark;
for my $n (1 .. 5) {
    $server->browser->get('/s/ssi/env.shtml',
        header => { Cookie => "sid=$_" }) for @GUESSES;
}
is(invalid(), 5 * @GUESSES, 'each guess is counted, whatever is wrong with it');
is($server->error_log_since($mark), '', 'and fills no log');
is($b->get('/s/cgi/app')->env('SESSION_VAR_a'), 1, 'a session goes on');
is(invalid(), 5 * @GUESSES, 'and its requests are not counted');
SxTest::done();
