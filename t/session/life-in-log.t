# SPDX-License-Identifier: Apache-2.0
# The life of a session can be followed in the error log: begun, renewed, ended,
# logged out, each once and with the handle that apps see.
use SxTest;

my $server = SxTest::Server->new(scopes => 1);
$server->start;

# What the log says of this handle since the mark, without what httpd adds.
sub said
{
    my ($mark, $handle) = @_;
    return join ' | ', map { /session \Q$handle\E:? (.*)/ ? $1 : () }
        split /\n/, $server->error_log_since($mark);
}

my $b = $server->browser;
my $mark = $server->log_mark;
$b->get('/s/cgi/app', h => ['Session-Set: a=1']);
my $handle = $b->get('/s/cgi/app')->env('SESSION_HANDLE');
like($handle, qr/^[0-9a-f]{16}$/, 'there is a handle');
is(said($mark, $handle), 'created', 'its beginning is told');

for my $case (
    ['Session-Set: b=1', ''],
    ['Session-Set: user=alice', 'renewed'],
    ['Session-Renew: on', 'renewed'],
    ['Session-Logout: others', 'all other sessions of its user ended'],
) {
    my ($header, $line) = @$case;
    $mark = $server->log_mark;
    $b->get('/s/cgi/app', h => [$header]);
    like(said($mark, $handle), $line eq '' ? qr/^$/ : qr/^\Q$line\E/,
        "$header: " . ($line || 'nothing') . ' is told');
}
my $other = $b->clone;
$mark = $server->log_mark;
$b->get('/s/cgi/app', h => ['Session-Destroy: on']);
is(said($mark, $handle), 'ended', 'its end is told');
$mark = $server->log_mark;
$other->get('/s/cgi/app');
is(said($mark, $handle), '', 'and nothing after it');
SxTest::done();
