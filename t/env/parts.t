# SPDX-License-Identifier: Apache-2.0
# What a page includes sees the session of its own scope and not the page's.
use SxTest;

my $DIR = SxTest::t_dir() . '/runtime/env_parts';
mkdir $DIR or die "$DIR: $!\n";
for my $scope (qw(same off other quiet)) {
    open my $out, '>', "$DIR/$scope.shtml" or die "$DIR: $!\n";
    print $out qq{<!--#include virtual="/env_parts/cgi/app/$scope" -->};
    close $out or die "$DIR: $!\n";
}
my $b = SxTest->browser;
$b->get('/s/cgi/app', h => ['Session-Set: user=alice']);

sub seen
{
    my ($scope) = @_;
    my $r = $b->get("/env_parts/page/$scope.shtml");
    is($r->env('SCRIPT_NAME'), "/env_parts/cgi/app/$scope",
        'an app is included');
    return join ' ', map { "$_=" . $r->env($_) }
        grep { /^SESSION_(?:STATUS|USER|DATA)$|^FLASH/ }
        sort keys %{ $r->envs };
}

is(seen('same'),
    'SESSION_DATA=user=alice SESSION_STATUS=active SESSION_USER=alice',
    'in the same scope it sees the same session');
is(seen('other'), 'SESSION_STATUS=invalid', 'in another namespace it has none');
is(seen('quiet'), '', 'where nothing is exported it sees nothing');
is(seen('off'), '', 'nor where sessions are off');

my $r = $b->get('/env_index/');
is($r->env('SCRIPT_NAME'), '/env_index/app.pl', 'an index file');
is(join(' ', grep { /^(?:SESSION|FLASH)/ } keys %{ $r->envs }), '',
    'without sessions sees nothing of its directory\'s');
SxTest::done();
