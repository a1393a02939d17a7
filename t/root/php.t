# SPDX-License-Identifier: Apache-2.0
# Started by root, store and keys are root's, and closed to those who run PHP:
# it has opened them before it became somebody else. One that starts before
# there is a store finds it if it is open to a group of its own; the keys it has.
use SxTest;
use SxTest::Keys;
use SxTest::Php qw($SCOPE);

plan(skip_all => 'the PHP extension is not built')
    if !-e SxTest::Paths::php_extension();
my $s = SxTest::Server->new(scopes => 1, php_ini => '', conf => $SCOPE);
my $who = SxTest::Paths::test_user();

sub restart_php
{
    my ($server) = @_;
    return if !$server->{fpm};
    $server->{fpm}->stop;
    $server->{fpm}->start;
    return;
}

sub counts
{
    my ($server, $label) = @_;
    my $b = $server->browser;
    my $code = 'session_start(); $_SESSION["n"] = ($_SESSION["n"] ?? 0) + 1; '
        . '$f = tempnam(sys_get_temp_dir(), "sx"); '
        . 'echo fileowner($f) ? $_SESSION["n"] : "root"; unlink($f);';
    $b->post('/p/php/run.php', content => $code);
    return is($b->post('/p/php/run.php', content => $code)->body, '2', $label);
}

$s->start;
my @stat = stat $s->runtime_dir . '/session_ext-sessions.shm';
is($stat[4] . sprintf(' %o', $stat[2] & 0777), '0 600', 'the store is root\'s');
@stat = stat $s->runtime_dir . '/session_ext.keys';
is($stat[4] . sprintf(' %o', $stat[2] & 0777), '0 600', 'and so are the keys');
restart_php($s);
counts($s, 'PHP has both since it was root');
$s->graceful;
counts($s, 'also behind a graceful restart');
$s->hup;
counts($s, 'and a hard one');
$s->stop;
$s->start;
counts($s, 'and when httpd was stopped and started beside a PHP that ran on');
$s->stop;
unlink map { $s->runtime_dir . "/session_ext$_" } '-sessions.shm', '.keys';
$s->start;
if ($s->{fpm}) {
    my $r = $s->browser->post('/p/php/run.php',
        content => 'var_dump(session_start()); echo "on";');
    like($r->body, qr/Warning.*bool\(false\)\non$/s,
        'with a store and keys that are others it says so, and goes on');
    restart_php($s);
}
counts($s, 'until PHP starts anew');
$s->stop;

# --- open to a group
my $conf = sub {
    my ($server) = @_;
    return "session_ext.store_file = @{[ $server->root ]}/run/pool.shm\n"
        . "session_ext.key_file = @{[ $server->root ]}/run/pool.keys\n";
};
my $g = SxTest::Server->new(php_ini => $conf);
my $keys = $g->root . '/run/pool.keys';
sub with_keys
{
    my ($mode, $group) = @_;
    SxTest::Keys::put($keys, SxTest::Keys::line(1), $mode);
    chown 0, $who->{gid}, $keys;
    $g->write_conf("ShmStore pool file=@{[ $g->root ]}/run/pool.shm size=2m "
        . "group=$who->{group}\nSessionExtKeyFile $keys$group\n"
        . $SCOPE =~ s/(SessionExt On)/$1\n    SessionExtStore shm:pool/r);
    return;
}
with_keys(0640, " group=$who->{group}");
$g->start;
counts($g, 'a PHP that was there before the store finds one of its group');
$g->stop;
unlink $g->root . '/run/pool.shm';
with_keys(0600, '');
restart_php($g);
$g->start;
counts($g, 'and has keys of root\'s that it has read before');
SxTest::done();
