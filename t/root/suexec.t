# SPDX-License-Identifier: Apache-2.0
# A CGI under suexec gets of its environment what begins with HTTP_, and little
# else: so it is told by request headers.
use SxTest;

use Fcntl qw(LOCK_EX);
use File::Path qw(remove_tree);
use File::Temp qw(tempdir);

# Where Debian's suexec runs programs, of a user that is neither root nor
# httpd's, and where it wants to write its log.
my ($user, $group) = ('nobody', 'nogroup');
# One MPM's test at a time: who made these directories removes them.
open my $lock, '>', SxTest::Paths::scratch_root() . '/sxt-suexec.lock'
    or die "lock: $!\n";
flock $lock, LOCK_EX or die "flock: $!\n";
my @made = grep { mkdir $_ } qw(/var/www /var/log/apache2);
my $dir = tempdir('sxt-XXXXXX', DIR => '/var/www');

END {
    local $?;
    remove_tree($dir) if $dir;
    unlink '/var/log/apache2/suexec.log' if grep { m{/log/} } @made;
    rmdir $_ for @made;
}

my $s = SxTest::Server->new(scopes => 1, more => ['suexec']);
system('cp', SxTest::t_dir() . '/apps/app.sh', "$dir/app") == 0 or die "cp\n";
chmod 0755, $dir, "$dir/app";
chown scalar(getpwnam $user), scalar(getgrnam $group), $dir, "$dir/app";
my $port = SxTest::Paths::free_port();
$s->write_conf(<<"EOF")->start;
Listen 127.0.0.1:$port
<VirtualHost *:$port>
    ServerName localhost
    DocumentRoot $dir
    SuexecUserGroup $user $group
    SessionExt On
    ScriptAlias "/told/"   "$dir/"
    ScriptAlias "/untold/" "$dir/"
    <Location "/told/">
        SessionExtRequestHeaders On
    </Location>
</VirtualHost>
EOF

sub told
{
    my ($r) = @_;
    return join ' ', map { "$_=" . $r->env($_) }
        grep { /SESSION|FLASH/ } sort keys %{ $r->envs };
}

my $b = $s->browser(port => $port);
my $r = $b->get('/told/app', h => ['Session-Set: user=alice&cart=3',
    'Session-Flash: info=Hi+there']);
is($r->status, 200, 'the program runs') or diag($s->error_log);
like($s->error_log, qr/suEXEC mechanism enabled/, 'under suexec');
is(told($r), 'HTTP_X_SESSION_STATUS=none', 'and is told that nobody is there');
my $handle = $b->get('/s/cgi/app', port => $s->port,
    header => { Accept => 'image/png' })->env('SESSION_HANDLE');
$r = $b->get('/told/app');
is(told($r), 'HTTP_X_SESSION_DATA_1=user=alice&cart=3 '
    . "HTTP_X_SESSION_FLASH=info=Hi+there HTTP_X_SESSION_HANDLE=$handle "
    . 'HTTP_X_SESSION_STATUS=active HTTP_X_SESSION_USER=alice '
    . 'HTTP_X_SESSION_VERSION=1', 'then of all there is');
is(told($b->get('/untold/app')), '', 'by its environment alone of nothing');
$b->get('/untold/app', h => ['Session-Incr: cart=1']);
is($b->get('/told/app')->env('HTTP_X_SESSION_DATA_1'), 'user=alice&cart=4',
    'its commands are obeyed');
SxTest::done();
