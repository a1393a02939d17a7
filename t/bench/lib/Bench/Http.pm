# SPDX-License-Identifier: Apache-2.0
# CPU of the server for one request, beside a bare file of the same server.
package Bench::Http;
use strict;
use warnings;
use lib __FILE__ =~ s|[^/]+/[^/]+\z||r;
use Bench::Cpu;
use Bench::Server;
use Bench::Table;
use SxTest::File qw(spew);

my $sessions = 1000;
my $clients  = 8;

# name, path, whose cookies, name of its bare, seconds (2: what aims are for)
my @cases = (
    ['static file', '/bare/1k.txt', '', 'static file', 2],
    ['static file, a header set', '/hdr/1k.txt', '', 'static file', 2],
    ['mod_session_ext, no cookie', '/none/1k.txt', '', 'static file', 2],
    ['mod_session_ext read', '/sx/1k.txt', 'sx', 'static file', 2],
    ['mod_session_ext read+write', '/sxw/1k.txt', 'sx', 'static file', 2],
    ['mod_session_cookie read', '/ck/1k.txt', 'ck', 'static file', 1],
    ['mod_session_cookie save', '/cks/1k.txt', 'ck', 'static file', 1],
    ['mod_session_dbd SQLite read', '/db/1k.txt', 'db', 'static file', 1],
    ['mod_session_dbd SQLite save', '/dbs/1k.txt', 'db', 'static file', 1],
    ['mod_session_crypto read', '/cc/1k.txt', 'cc', 'static file', 1],
    ['mod_session_crypto save', '/ccs/1k.txt', 'cc', 'static file', 1],
    ['PHP page', '/php/bare.php', '', 'PHP page', 1, 'php'],
    ['PHP files read', '/php/read.php', 'php', 'PHP page', 1, 'php'],
    ['PHP files read+write', '/php/write.php', 'php', 'PHP page', 1, 'php'],
    ['PHP, a handler that does nothing', '/phpn/write.php', 'php', 'PHP page', 1,
        'phpx'],
    ['PHP session_ext alone, read+write', '/phpa/write.php', 'phpx', 'PHP page',
        1, 'phpx'],
    ['PHP session_ext, none asked for', '/phpx/bare.php', 'phpx', 'PHP page', 1,
        'phpx'],
    ['PHP session_ext read', '/phpx/read.php', 'phpx', 'PHP page', 1, 'phpx'],
    ['PHP session_ext read+write', '/phpx/write.php', 'phpx', 'PHP page', 1,
        'phpx'],
    ['PHP session_ext read, Env Off', '/phpe/read.php', 'phpx', 'PHP page', 1,
        'phpx'],
    ['PHP session_ext read+write, Env Off', '/phpe/write.php', 'phpx',
        'PHP page', 1, 'phpx'],
);

# Name of a run, and what its server is.  Behind php-fpm only PHP is measured.
my @runs = (['event', mpm => 'event'], ['prefork', mpm => 'prefork'],
    ['php-fpm', mpm => 'event', fpm => 1]);

# ---- sessions ---------------------------------------------------------------

sub cookie_of
{
    my ($server, $path) = @_;
    my $head = $server->get($path);
    my ($cookie) = $head =~ /^Set-Cookie:\s*([^;\r]+)/im
        or die "$path gave no cookie:\n$head\n";
    return $cookie;
}

# Sessions of PHP are made as files; a thousand start-ups would only be slower.
sub php_session
{
    my ($server, $n) = @_;
    my $id = sprintf 'bench%027d', $n;
    my $file = "$server->{root}/php/sess_$id";
    spew($file, "n|i:0;d|s:1024:\"$server->{value}\";");
    chmod 0600, $file or die "$file: $!\n";
    chown $server->{user}{uid}, $server->{user}{gid}, $file unless $>;
    return "PHPSESSID=$id";
}

sub make_sessions
{
    my ($server, $sessions) = @_;
    my %cookies = ('' => ['']);
    for my $kind ($server->{fpm} ? () : qw(sx ck cc db)) {
        # Each secret cookie costs the server 5 ms; they are all alike.
        my $count = $kind eq 'cc' && $sessions > 50 ? 50 : $sessions;
        $cookies{$kind} =
            [map { cookie_of($server, "/${kind}make/1k.txt") } 1 .. $count];
    }
    $cookies{phpx} = [map { cookie_of($server, '/phpx/make.php') }
        1 .. $sessions] if $server->{phpx};
    $cookies{php} = [map { php_session($server, $_) } 1 .. $sessions];
    for my $kind (keys %cookies) {
        spew("$server->{root}/cookies.$kind",
            join '', map { "$_\n" } @{$cookies{$kind}});
    }
    return \%cookies;
}

sub counter
{
    my ($server, $cookie, $path) = @_;
    my ($n) = $server->get($path // '/sxcheck/1k.txt', $cookie)
        =~ /^X-N: (\d+)/m;
    die "a session is not there\n" unless defined $n;
    return $n;
}

# What is measured must happen: a write is seen by the next read.
sub prove
{
    my ($server, $cookies) = @_;
    prove_peers($server, $cookies) unless $server->{fpm};
    for my $of (['php', 'php'], ['phpx', 'phpx'], ['phpa', 'phpx']) {
        my ($place, $kind) = @$of;
        next unless $server->{$kind};
        my $cookie = $cookies->{$kind}[0];
        my $before = counter($server, $cookie, "/$place/check.php");
        $server->get("/$place/write.php", $cookie);
        die "the write case of $place writes nothing\n"
            unless counter($server, $cookie, "/$place/check.php")
            == $before + 1;
        $server->{proved}{$kind}++;
    }
    die "httpd complained:\n" . qx(tail -5 '$server->{root}/error_log')
        if qx(grep -c ':error' '$server->{root}/error_log') > 0;
    return;
}

sub prove_peers
{
    my ($server, $cookies) = @_;
    my $cookie = $cookies->{sx}[0];
    my $before = counter($server, $cookie);
    $server->get('/sxw/1k.txt', $cookie);
    die "the write case writes nothing\n"
        unless counter($server, $cookie) == $before + 1;
    $server->{proved}{sx}++;
    for my $kind (qw(ck cc db)) {
        my $head = $server->get("/${kind}s/1k.txt", $cookies->{$kind}[0]);
        die "the save case of $kind saves nothing\n"
            unless $head =~ /^Set-Cookie:/im;
        die "the read case of $kind saves\n"
            if $server->get("/$kind/1k.txt", $cookies->{$kind}[0])
            =~ /^Set-Cookie:/im;
    }
    return;
}

# ---- measuring --------------------------------------------------------------

sub wrk
{
    my ($server, $seconds, $path, $kind) = @_;
    my $lua = __FILE__ =~ s{lib/Bench/[^/]+\z}{cookies.lua}r;
    my @command = Bench::Cpu::client('wrk', '-t1', "-c$clients",
        "-d${seconds}s", '-s', $lua, "http://127.0.0.1:$server->{port}", '--',
        $path, "$server->{root}/cookies.$kind");
    my ($log, $cpu) = ($server->log_lines, $server->cpu_ns);
    open my $pipe, '-|', @command or die "wrk: $!\n";
    my ($line) = grep { /^RESULT/ } <$pipe>;
    close $pipe;
    $cpu = $server->cpu_ns - $cpu;
    die "wrk said nothing\n" unless $line;
    my (undef, $requests, $us, $errors) = split ' ', $line;
    die "no request of $path was answered\n" unless $requests;
    return {
        cpu => $cpu / $requests / 1e3, rate => $requests / $us * 1e6,
        errors => $errors + $server->log_lines - $log, requests => $requests,
    };
}

sub chosen
{
    my ($opt, $server) = @_;
    my $only = $opt->{only};
    my @cases = grep { $_->[5] ? $server->{$_->[5]} : !$server->{fpm} } @cases;
    return @cases unless defined $only;
    my %bare = map { $_->[3] => 1 } grep { $_->[0] =~ /$only/ } @cases;
    return grep { $_->[0] =~ /$only/ || $bare{$_->[0]} } @cases;
}

sub measure
{
    my ($opt, $server) = @_;
    my @todo = chosen($opt, $server);
    my %got;
    wrk($server, 1, '/bare/1k.txt', '');
    for (1 .. $opt->{rounds}) {
        for my $case (@todo) {
            my ($name, $path, $kind, undef, $seconds) = @$case;
            $seconds = 1 if $opt->{quick};
            push @{$got{$name}}, wrk($server, $seconds, $path, $kind);
        }
    }
    return \%got;
}

# In each round for itself: what this case costs over that one.
sub over
{
    my ($got, $name, $bare) = @_;
    return unless $got->{$name} && $got->{$bare};
    return map { $got->{$name}[$_]{cpu} - $got->{$bare}[$_]{cpu} }
        0 .. $#{$got->{$name}};
}

sub rows
{
    my ($got) = @_;
    my @rows;
    for my $case (grep { $got->{$_->[0]} } @cases) {
        my ($name, undef, undef, $bare) = @$case;
        my @over = over($got, $name, $bare);
        my $errors = 0;
        $errors += $_->{errors} for @{$got->{$name}};
        my @cpu = map { $_->{cpu} } @{$got->{$name}};
        my $ratio = median(map {
            $got->{$name}[$_]{rate} / $got->{$bare}[$_]{rate}
        } 0 .. $#cpu);
        push @rows, [$name, sprintf('%.1f', median(@cpu)),
            spread('%.1f', @cpu), sprintf('%+.1f', median(@over)),
            spread('%+.1f', @over), sprintf('%.2f', $ratio), $errors];
    }
    return @rows;
}

# Increments that the client saw answered and that are not in the store.
sub lost_writes
{
    my ($server, $cookies, $got) = @_;
    my ($asked, $there) = (0, 0);
    for my $of (['mod_session_ext', 'sx'], ['PHP session_ext', 'phpx']) {
        my @writes = map { @{$got->{$_}} }
            grep { /^$of->[0]\b.* read\+write/ } keys %$got;
        next unless @writes;
        my $path = $of->[1] eq 'phpx' ? '/phpx/check.php' : undef;
        $asked += $_->{requests} for @writes;
        $there += counter($server, $_, $path) for @{$cookies->{$of->[1]}};
        $there -= $server->{proved}{$of->[1]};
    }
    return $asked ? $asked > $there ? $asked - $there : 0 : undef;
}

# Ours beside a peer, over their bares, and how much of its cost ours may have.
# Of mod_session_cookie it is 6 us to its 5, and 12 to its 11; of PHP's files 8
# to their 15, and behind php-fpm no more than theirs.
my @pairs = (
    ['mod_session_ext read', 'static file', 'mod_session_cookie read',
        'static file', 1.2],
    ['mod_session_ext read+write', 'static file, a header set',
        'mod_session_cookie save', 'static file', 1.09],
    ['PHP, a handler that does nothing', 'PHP page', 'PHP files read+write',
        'PHP page'],
    ['PHP session_ext alone, read+write', 'PHP page', 'PHP files read+write',
        'PHP page'],
    ['PHP session_ext read', 'PHP page', 'PHP files read', 'PHP page'],
    ['PHP session_ext read+write', 'PHP page', 'PHP files read+write',
        'PHP page', 0.53, 1],
);

sub judgement
{
    my ($run, $got) = @_;
    my $text = '';
    for my $pair (grep { $got->{$_->[0]} && $got->{$_->[2]} } @pairs) {
        my ($ours, $our_bare, $theirs, $their_bare, $limit, $by_fpm) = @$pair;
        my $cost = median(over($got, $ours, $our_bare));
        my $ratio = $cost / (median(over($got, $theirs, $their_bare)) || 1);
        my $what = sprintf '%s, %s costs %.1f us over "%s", beside %s', $run,
            $ours, $cost, $our_bare, $theirs;
        $limit = $by_fpm if $run eq 'php-fpm';
        $text .= $limit ? verdict($what, $ratio, '<=', $limit, 'x')
            : sprintf "* %s: %.2f x\n", $what, $ratio;
    }
    return $text;
}

sub one_run
{
    my ($opt, $run, @server) = @_;
    print STDERR "http: $run\n";
    my $root = "$opt->{dir}/$run";
    mkdir $root or die "$root: $!\n";
    my $server = Bench::Server->new(root => $root, @server);
    return "$run: not installed\n\n" if exists $server->{fpm}
        && !($server->{fpm} && $server->{phpx});
    $server->start;
    my $cookies = make_sessions($server, $sessions);
    prove($server, $cookies);
    my $got = measure($opt, $server);
    my $lost = lost_writes($server, $cookies, $got);
    $server->stop;
    my $text = "$run:\n\n" . table(['', 'us CPU', 'range', 'over bare', 'range',
        'req/s beside bare', 'errors'], rows($got)) . "\n"
        . judgement($run, $got);
    $text .= "* $run, answered increments that are not in the store: $lost\n"
        if defined $lost;
    return "$text\n";
}

sub tables
{
    my ($opt) = @_;
    die "no wrk here; on Debian: apt-get install wrk\n"
        if system('sh', '-c', 'command -v wrk >/dev/null') != 0;
    my $text = <<"END";
## Requests

CPU time, user and system, of all processes of the server for one request, over
kept connections ($clients clients); the client is not counted, and where there
are two CPUs it has one, and the server the other. "Over bare" is
the difference in the same round to the bare file or bare PHP page of 1 KB of
the same server. Sessions hold 1 KB and are $sessions, taken in turns; ours are
sealed at rest and exported to the environment, but for the rows "Env Off"; PHP's
page of the same scope that asks for no session is the row "none asked for". With
"a handler that does nothing" PHP begins and ends a session as it does for a
write, but there is no store: nobody can take less. "Alone" is the extension where
httpd has no sessions. PHP is in httpd under prefork, and in php-fpm, behind event,
in the last table, which counts both. A read is a static file in the
scope; ours writes by a `Session-Incr` that mod_headers adds, so that what it
costs is said over the row "a header set". Aims are beside a peer: 6 and 12 us
where mod_session_cookie costs 5 and 11, 8 us where PHP's files cost 15, and in
php-fpm no more than files. Peers save without a change, on account of
their expiry, which is the cheapest save they have; the SQLite file and PHP's
files lie in memory. Errors are wrk's and new lines in the error log.

END
    Bench::Cpu::begin_apart();
    $text .= one_run($opt, @$_) for @runs;
    Bench::Cpu::end_apart();
    return $text;
}

1;
