# SPDX-License-Identifier: Apache-2.0
# REDIRECT_ doubles of our variables are dropped; the target of an internal
# redirect has the session's own.
use SxTest;

sub doubles
{
    my ($r) = @_;
    return join ' ', sort grep { /^(?:REDIRECT_)+(?:SESSION|FLASH|SEALED)_/ }
        keys %{ $r->envs };
}

my $b = SxTest->browser;
$b->get('/s/cgi/app', h => ['Session-Set: a=1&user=alice',
    'Session-Flash: info=hi']);

my $r = $b->get('/env_doubles/none');
is($r->status, 404, 'what is not there');
is($r->env('REDIRECT_STATUS'), 404, 'is answered by the error page');
is($r->env('REDIRECT_MINE'), 'yes', 'which gets doubles of others');
is(doubles($r), '', 'but none of ours');
is($r->env('SESSION_DATA'), 'a=1&user=alice', 'and the session itself');

$r = $b->get('/env_doubles/cgi/app', type => '',
    h => ['Location: /s/cgi/app?type=&h=Location%3A+%2Fs%2Fcgi%2Fapp']);
is($r->env('REDIRECT_REDIRECT_MINE'), 'yes', 'two local redirects');
is(doubles($r), '', 'leave none of ours either');
is($r->env('SESSION_USER'), 'alice', 'and the session is there');

$r = $b->get('/env_doubles/off');
is($r->status, 404, 'an error page without sessions');
is($r->env('REDIRECT_MINE'), 'yes', 'gets doubles of others');
is(join(' ', grep { /SESSION_|FLASH_/ } keys %{ $r->envs }), '',
    'and nothing at all of a session');
SxTest::done();
