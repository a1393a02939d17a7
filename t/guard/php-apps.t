#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# The run of PHP applications works: its short form is one of them, by one
# browser, on files and on ours, and it fails where a session is lost.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../lint", "$FindBin::Bin/../lib",
    "$FindBin::Bin/../php/lib";
use Test::More;
use File::Temp qw(tempdir);
use House;
use PhpApps::Run;

$ENV{SXTEST_BUILD} = build();
my $dir = tempdir(CLEANUP => 1);
# Open to the servers' user.
mkdir "$dir/tmp";
chmod 0755, $dir, "$dir/tmp";
local $ENV{SXTEST_TMP} = "$dir/tmp";

# ---- the short form ----------------------------------------------------------
sub apps
{
    return qx('$^X' '@{[top()]}/t/php/apps.pl' @_ 2>&1);
}
my $text = apps(qw(--only=adminer --sapi=fpm --browser=plain));
is($? >> 8, 0, 'an application runs on files and on ours') or diag $text;
like($text, qr/^adminer, fpm, plain, files: as it should be$/m, 'on files');
like($text, qr/^adminer, fpm, plain, session_ext: as it should be$/m,
    'on ours');
like($text, qr/^2 passed, 0 failed$/m, 'and that is counted');

# ---- where sessions are lost -------------------------------------------------
my $seen = PhpApps::Run::visits(build(), {only => 'adminer'}, 'fpm', 'plain',
    {name => 'broken', check => sub { return 'checked' },
        ini => "session.save_handler = files\n"
            . "session.save_path = DIR/nowhere\n"});
like($seen->{seen}{adminer}{why}, qr/^a wrong password: no .*Session expired/s,
    'an application that keeps no session is seen to fail, and where');
like("@{$seen->{complaints}}", qr/Failed to read session data/,
    'and what PHP says is heard');
is_deeply($seen->{wrong}, ['checked'], 'the handler is asked');

is(PhpApps::Run::parting(['a', 'b'], ['a', 'b']), undef,
    'the same is the same');
is(PhpApps::Run::parting(['a', 'b'], ['a', 'c']), "'c' instead of 'b'",
    'where outcomes part');
is(PhpApps::Run::parting(['a'], ['a', 'c']), "'c' instead of 'nothing'",
    'also at the end');

# ---- what may go wrong -------------------------------------------------------
$text = apps('--only=nobody');
ok($? >> 8, 'a name that nobody has is refused');
like($text, qr/no application's name matches 'nobody'/, 'and named');
$text = apps('--handler=redis');
ok($? >> 8, 'so is a handler that is none');
like($text, qr/no handler 'redis'/, 'which is named, too');

SxTest::Server::finish_all();
none('nothing is left behind', glob "$dir/tmp/*");

done_testing();
