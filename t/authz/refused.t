# SPDX-License-Identifier: Apache-2.0
# What is wrong behind Require session… is refused by httpd -t, with a sentence
# that names the directive, the value and what is accepted; in a .htaccess file
# by a 500 with that sentence in the log.
use SxTest;
use SxTest::Refusal;

my $s = SxTest::Server->new(scopes => 1);

sub scope { return "<Location /x>\nSessionExt On\n$_[0]\n</Location>" }

sub row
{
    my ($line, @needles) = @_;
    my $shown = length $line > 60 ? substr($line, 0, 30) . '…' : $line;
    return [$shown, scope($line), @needles];
}
my $long = 'k' x 129;

SxTest::Refusal::refused($s,
    row('Require session alice', 'Require session', "'alice'",
        'nothing is accepted behind it'),
    row('Require session-user', 'Require session-user', "''",
        'one or more names'),
    row('Require not session-user', 'Require session-user', "''",
        'one or more names'),
    row('Require session-key', 'Require session-key', "''",
        'a key of 1 to 128 bytes'),
    row('Require session-key ""', 'Require session-key', "''",
        'a key of 1 to 128 bytes'),
    row("Require session-key $long x", 'Require session-key', "'$long'",
        'a key of 1 to 128 bytes'),
    row('Require session-key role', 'Require session-key', "'role'",
        'one or more values'),
    row('Require session-key role %{nonsense:1}', 'Require session-key',
        "'%{nonsense:1}'", 'string expression'),
    row('Require session-user "%{"', 'Require session-user', "'%{'",
        'string expression'),
    row('Require session-age', 'Require session-age', "''", 's, m, h or d'),
    (map { row("Require session-age $_", 'Require session-age', "'$_'",
            's, m, h or d') } '-5', 'soon', '1.5h', '5w', '3651d'),
    row('Require session-age 0', 'Require session-age', "'0'",
        '1s or more'),
    row('Require session-age 5m 6m', 'Require session-age', "'6m'",
        'one duration'));
SxTest::Refusal::refused($s,
    (map { row("Header set X \"expr=%{flash:$_}\"", 'flash: a level of 1 to 32')
        } 'Info', 'in fo', '1', 'i' x 33),
    row(qq{Require expr "flash('') == 'x'"}, 'flash: a level of 1 to 32'),
    row(qq{Require expr "session('') == 'x'"}, 'session: a key of 1 to 128'),
    row("Header set X \"expr=%{session:$long}\"",
        'session: a key of 1 to 128'),
    row('Header set X "expr=%{SESSION_ID}"', 'SESSION_ID'));
SxTest::Refusal::accepted($s,
    ['all the names', scope(join "\n", map { qq{Header set X "expr=%{$_}"} }
        'session:a key', 'SESSION:x', 'session_status', 'flash:info')],
    (map { [$_, scope("Require $_")] }
        'session', 'session-user "a b" c', 'session-key a b', "session-age 5m",
        "session-key 'a key' ''", 'session-key ' . 'k' x 128 . ' x',
        'session-key role "%{HTTP_HOST} x"', 'session-user 100%'));

# --- .htaccess ----------------------------------------------------------------
my $dir = $s->root . '/htdocs/narrow';

sub htaccess
{
    my ($text) = @_;
    open my $out, '>', "$dir/.htaccess" or die ".htaccess: $!\n";
    print $out "$text\n";
    close $out;
    chmod 0644, "$dir/.htaccess";
    return;
}
htaccess('Require session-age soon');
$s->write_conf('');
$s->start;
my $b = $s->browser;
my $mark = $s->log_mark;
is($b->get('/narrow/static/app.txt')->status, 500, 'in .htaccess it is a 500');
is_deeply([SxTest::Refusal::missing($s->error_log_since($mark),
    'Require session-age', "'soon'", 's, m, h or d')], [], 'and a sentence');
htaccess('Require session-user alice');
is($b->get('/narrow/cgi/app')->status, 403, '.htaccess may require a session');
$b->get('/s/cgi/app', h => ['Session-Set: user=alice']);
is($b->get('/narrow/cgi/app')->status, 200, 'which lets in who has it');
SxTest::done();
