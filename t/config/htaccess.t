# SPDX-License-Identifier: Apache-2.0
# A .htaccess file may switch sessions off and narrow what is exported, and
# nothing else; anything else is a 500 and a sentence in the log.
use SxTest;
use SxTest::Refusal;

my $s = SxTest::Server->new(scopes => 1);
my $dir = $s->root . '/htdocs/narrow';
my $b;

sub htaccess
{
    my ($text) = @_;
    open my $out, '>', "$dir/.htaccess" or die ".htaccess: $!\n";
    print $out "$text\n";
    close $out;
    chmod 0644, "$dir/.htaccess";
    return;
}

sub page { return $b->get('/narrow/cgi/app', @_) }

htaccess('');
$s->start;
$b = $s->browser;
page(h => ['Session-Set: user=ann&cart=3&colour=red']);
is(page()->env('SESSION_VAR_cart'), '3', 'sessions are on by the server');

my @REFUSED = (
    ['SessionExt On', 'SessionExt', '.htaccess', 'Off'],
    ['SessionExtEnv On', 'SessionExtEnv', '.htaccess', 'Off and keys'],
    map { [$_, (split / /)[0], 'not allowed here'] }
        'SessionExtStore shm', 'SessionExtNamespace other',
        'SessionExtCookie name=x', 'SessionExtIdleTimeout 1d',
        'SessionExtIdleMax 1d', 'SessionExtAbsoluteTimeout 1d',
        'SessionExtRenewInterval 0', 'SessionExtRenewGrace 1h',
        'SessionExtTouchInterval 1h', 'SessionExtMaxSize 4m',
        'SessionExtEncrypt Off', 'SessionExtUserKey cart',
        'SessionExtRemoteUser On', 'SessionExtRequestHeaders On',
        'SessionExtAccept On', 'SessionExtHideCookie Off',
        'SessionExtFlash fetch', 'SessionExtFlashMax 1 64',
        'SessionExtOnStoreError pass', 'ShmStore x',
        'SessionExtKeyFile /dev/null');
for my $row (@REFUSED) {
    my ($line, @needles) = @$row;
    htaccess($line);
    my $mark = $s->log_mark;
    my $r = page();
    my @missing = SxTest::Refusal::missing($s->error_log_since($mark),
        @needles);
    ok($r->status == 500 && !@missing, "refused in .htaccess: $line")
        or diag('status ', $r->status, ', the log has no ', "@missing\n",
            $s->error_log_since($mark));
}

htaccess('SessionExt Off');
is(page()->env('SESSION_STATUS'), undef, '.htaccess may switch sessions off');

htaccess('SessionExtEnv cart');
my $r = page();
is($r->env('SESSION_VAR_cart'), '3', 'a key that .htaccess names is exported');
is($r->env('SESSION_VAR_colour'), undef, 'a key that it does not name is not');

htaccess('SessionExtEnv Off');
is(page()->env('SESSION_VAR_cart'), undef, '.htaccess may export nothing');

# Under a narrower server it cannot widen again.
$s->write_conf("<Directory \"$dir\">\nSessionExtEnv cart\n</Directory>");
$s->graceful;
htaccess('SessionExtEnv cart colour');
$r = page();
is($r->env('SESSION_VAR_cart'), '3', 'a key that both name is exported');
is($r->env('SESSION_VAR_colour'), undef,
    'a key that only .htaccess names is not');

$s->write_conf("<Directory \"$dir\">\nSessionExtEnv Off\n</Directory>");
$s->graceful;
is(page()->env('SESSION_VAR_cart'), undef,
    'where the server exports nothing, .htaccess cannot name a key');

$s->write_conf("<Directory \"$dir\">\nSessionExt Off\n</Directory>");
$s->graceful;
htaccess('SessionExt On');
is(page()->status, 500, '.htaccess cannot switch sessions on');
SxTest::done();
