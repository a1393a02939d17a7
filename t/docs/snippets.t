# SPDX-License-Identifier: Apache-2.0
# Each fenced snippet of README.md and docs/*.md is run: configurations by a
# real httpd, CGI and PHP programs behind it, transcripts in a shell.
# t/README.md says how a fence is marked.
use strict;
use warnings;
use SxTest;

use File::Basename qw(dirname);
use Digest::SHA qw(sha1);
use MIME::Base64 qw(encode_base64);
use SxTest::Daemon;
use SxTest::File qw(slurp spew);

SxTest::timeout(360);
my $top = SxTest::t_dir() . '/..';

# What may stand without a mark: drawings, and commands of the source tree,
# which t/guard/commands.t checks.
my %UNMARKED = map { $_ => 1 } '', qw(text c sh);
my %KNOWN = map { $_ => 1 }
    qw(site browser file serve refused env log answer path status);

# "apache site=shop refused": the language and {site => 'shop', refused => 1}.
sub read_mark
{
    my ($info) = @_;
    my ($lang, @words) = split ' ', $info;
    my %mark;
    for my $word (@words) {
        my ($key, $value) = split /=/, $word, 2;
        $mark{$key} = defined $value ? $value : 1;
    }
    return (defined $lang ? $lang : '', \%mark);
}

sub fences
{
    my ($page) = @_;
    my (@found, $open);
    my $number = 0;
    for my $line (split /^/, slurp("$top/$page")) {
        $number++;
        if (!$open && $line =~ /^```\s*(.*?)\s*$/) {
            my ($lang, $mark) = read_mark($1);
            $open = { lang => $lang, mark => $mark, text => '',
                where => "$page:$number" };
        }
        elsif ($open && $line =~ /^```\s*$/) {
            push @found, $open;
            undef $open;
        }
        elsif ($open) {
            $open->{text} .= $line;
        }
    }
    die "$open->{where}: a fence is not closed\n" if $open;
    return @found;
}

sub problem_of
{
    my ($fence) = @_;
    my $mark = $fence->{mark};
    my @odd = grep { !$KNOWN{$_} } keys %$mark;
    return "$fence->{where}: unknown word '$odd[0]'" if @odd;
    return undef if !%$mark && $UNMARKED{ $fence->{lang} };
    return undef if $mark->{refused} && !$mark->{site};
    return undef if $mark->{site}
        && ($fence->{lang} =~ /^(?:apache|ini)$/ || $mark->{file}
        || step_of($fence));
    return "$fence->{where}: a snippet of $fence->{lang} that nothing runs";
}

# --- servers ------------------------------------------------------------------
# Snippets say /srv and port 80, or a port of a backend; here that is a directory
# of the server's own, its port, and a free one.
my %PORT;

sub here
{
    my ($server, $text) = @_;
    my ($root, $port) = ($server->root, $server->port);
    $text =~ s{\b(127\.0\.0\.1'?(?::|, ))($_)\b}{$1$PORT{$_}}g for keys %PORT;
    $text =~ s{\blisten\($_\b}{listen($PORT{$_}}g for keys %PORT;
    $text =~ s{(?<![\w.])/srv/}{$root/srv/}g;
    $text =~ s{http://localhost(?=[/\s"'])}{http://localhost:$port}g;
    return $text;
}

# Two key files that are right, one that everybody may read; and the password of
# ann, secret.
sub make_keys
{
    my ($dir) = @_;
    my $key = sub {
        my ($n) = @_;
        return encode_base64(join('', map { chr(($n * $_) % 251) } 1 .. 32),
            "\n");
    };
    spew("$dir/shop.keys", '1:' . $key->(7), 0600);
    spew("$dir/pool.keys", '2:' . $key->(11) . '1:' . $key->(13), 0600);
    spew("$dir/open.keys", '1:' . $key->(17), 0644);
    spew("$dir/users", 'ann:{SHA}' . encode_base64(sha1('secret'), "\n"), 0644);
    return;
}

sub make_server
{
    my (%opt) = @_;
    my $server = SxTest::Server->new(php => 1, %opt);
    my $root = $server->root;
    mkdir "$root/$_" for qw(srv srv/www srv/keys srv/state modules);
    make_keys("$root/srv/keys");
    system('cp', '-RP', "$top/conf/examples/helpers", "$root/srv") == 0
        or die "cp: $?\n";
    system('chmod', '-R', 'a+rX', "$root/srv/helpers");
    symlink SxTest::Paths::module(), "$root/modules/mod_session_ext.so";
    symlink SxTest::Paths::modules_dir() . "/$_", "$root/modules/$_"
        for qw(mod_ssl.so mod_authn_socache.so mod_session.so mod_session_cookie.so
            mod_auth_form.so mod_lua.so mod_perl.so mod_dbd.so);
    symlink SxTest::Paths::user_module('mod_example_session'),
        "$root/modules/mod_example_session.so";
    return $server;
}

# What stands around a snippet: the pages of /srv/www, programs among them.
my $AROUND = <<'CONF';
DocumentRoot "/srv/www"
<Directory "/srv/www">
    Options +ExecCGI +Includes
    AddHandler cgi-script .pl .sh .py
    AddOutputFilter INCLUDES .shtml
</Directory>
CONF

sub site_server
{
    my (@fences) = @_;
    my $conf = join '', map { $_->{text} }
        grep { $_->{lang} eq 'apache' } @fences;
    my ($ini) = map { $_->{text} } grep { $_->{lang} eq 'ini' } @fences;
    # One that loads the module by itself is not helped.
    my $server = make_server(module => $conf !~ /^LoadModule session_ext/m,
        php_ini => defined $ini ? sub { here($_[0], $ini) } : undef);
    $server->write_conf(here($server, "$AROUND$conf"));
    for my $fence (grep { $_->{mark}{file} } @fences) {
        my $program = $fence->{text} =~ /^#!/;
        spew($server->root . "/srv/www/$fence->{mark}{file}",
            here($server, $fence->{text}), $program ? 0755 : 0644);
    }
    return $server;
}

# What runs a backend of this language.
my %SERVES = (
    js     => sub { return ('node', $_[0]) },
    python => sub { return ('python3', $_[0]) },
    ruby   => sub { return ('puma', '-b', 'tcp://127.0.0.1:PORT', $_[0]) },
);

sub serve
{
    my ($server, $fence) = @_;
    my $file = $server->root . "/srv/www/$fence->{mark}{file}";
    return SxTest::Daemon->start(name => 'backend', port => $PORT{ $fence->{mark}{serve} },
        log => $server->root . '/logs/backend',
        command => [$SERVES{ $fence->{lang} }->($file)]);
}

# For snippets that bring no configuration: sessions are on, and that is all.
my $PLAIN;

sub plain_server
{
    return $PLAIN if $PLAIN;
    $PLAIN = make_server();
    $PLAIN->write_conf("<Location />\nSessionExt On\n</Location>\n");
    return $PLAIN->start;
}

# --- what a fence does --------------------------------------------------------
# Output is compared line by line; "..." stands for anything in a line, and
# alone for any number of lines.
sub pattern
{
    my ($text) = @_;
    my $re = '';
    for my $line ($text =~ /^(.*)\n/mg) {
        $re .= $line eq '...' ? '(?:.*\n)*?'
            : join('.*', map { quotemeta } split /\.\.\./, $line, -1) . '\n';
    }
    return qr/\A$re\z/;
}

# What a page may do with httpd.
my %APACHECTL = (
    configtest => sub { return ($_[0]->configtest)[1] },
    graceful   => sub { $_[0]->graceful; return '' },
);

sub run_command
{
    my ($server, $command) = @_;
    return $APACHECTL{$1}->($server)
        if $command =~ /^apachectl (\w+)$/ && $APACHECTL{$1};
    my $root = $server->root;
    my $tools = dirname(SxTest::Paths::module());
    return qx(cd $root && PATH=$tools:\$PATH && { $command\n} 2>&1);
}

sub run_console
{
    my ($site, $fence) = @_;
    my $server = $site->{server};
    my $port = $server->port;
    my $text = $fence->{text} =~ s/\\\n/ /gr;
    my @steps = $text =~ /^(\$ .*\n(?:(?!\$ ).*\n)*)/mg;
    for my $step (@steps) {
        my ($command, $expected) = $step =~ /\A\$ ([^\n]*)\n(.*)\z/s;
        my $said = run_command($server, here($server, $command));
        $said =~ s/localhost:$port/localhost/g;
        $said =~ s{\Q@{[ $server->root ]}\E/srv/}{/srv/}g;
        $said =~ s/\r//g;
        $said .= "\n" if length $said && $said !~ /\n\z/;
        like($said, pattern($expected), "$fence->{where}: $command")
            or diag($server->error_log);
    }
    return cmp_ok(scalar @steps, '>', 0, "$fence->{where} has commands");
}

# Most sites have one visitor.
sub browser_of
{
    my ($site, $fence) = @_;
    my $name = $fence->{mark}{browser} || '';
    return $site->{browsers}{$name} ||= $site->{server}->browser;
}

# The header lines of one response, answered by an app of t/apps.
sub run_http
{
    my ($site, $fence) = @_;
    my %more = $fence->{mark}{status} ? (status => $fence->{mark}{status}) : ();
    $site->{mark} = $site->{server}->log_mark;
    $site->{answer} = browser_of($site, $fence)->get(
        $fence->{mark}{path} || '/any/cgi/app',
        h => [split /\n/, $fence->{text}], %more);
    return ok($site->{answer}->status, "$fence->{where}: is answered");
}

# What the next request sees: NAME=value, or "NAME is not set".
sub run_env
{
    my ($site, $fence) = @_;
    my $r = browser_of($site, $fence)
        ->get($fence->{mark}{path} || '/any/cgi/app');
    for my $line (split /\n/, $fence->{text}) {
        if ($line =~ /^(\w+) is not set$/) {
            is($r->env($1), undef, "$fence->{where}: $line");
            next;
        }
        my ($name, $value) = split /=/, $line, 2;
        my $got = defined $r->env($name) ? $r->env($name) : '(not set)';
        like("$got\n", pattern("$value\n"), "$fence->{where}: $line");
    }
    return;
}

sub run_answer
{
    my ($site, $fence) = @_;
    my ($first, @lines) = split /\n/, $fence->{text};
    my $r = $site->{answer};
    is($r->status . ' ' . $r->reason, $first, "$fence->{where}: $first");
    for my $line (@lines) {
        my ($name, $value) = split /: /, $line, 2;
        my @got = $r->headers($name);
        ok((grep { "$_\n" =~ pattern("$value\n") } @got),
            "$fence->{where}: $line") or diag("got @got");
    }
    return;
}

sub run_log
{
    my ($site, $fence) = @_;
    my $log = $site->{server}->error_log_since($site->{mark});
    like($log, qr/\Q$_\E$/m, "$fence->{where}: the log says: $_")
        for split /\n/, $fence->{text};
    return;
}

# Lines that httpd must refuse, each followed by "# what it says".
sub run_refused
{
    my ($fence) = @_;
    my $server =
        make_server(module => $fence->{text} !~ /^LoadModule session_ext/m);
    my @cases = $fence->{text} =~ /((?:^[^#\n].*\n)+(?:^# .*\n)+)/mg;
    for my $case (@cases) {
        my ($conf, $said) = $case =~ /\A(.*?)(^# .*)\z/ms;
        $said = join ' ', $said =~ /^# (.*)$/mg;
        my ($line) = $conf =~ /^\s*(.*\S)/m;
        $server->write_conf(here($server, $conf));
        my ($status, $text) = $server->configtest;
        isnt($status, 0, "$fence->{where}: '$line' is refused");
        $text =~ s/\s+/ /g;
        $said = here($server, $said);
        like($text, qr/\Q$said\E/, "$fence->{where}: $said");
    }
    return cmp_ok(scalar @cases, '>', 0, "$fence->{where} has cases");
}

sub step_of
{
    my ($fence) = @_;
    return \&run_console if $fence->{lang} eq 'console';
    return \&run_http if $fence->{lang} eq 'http';
    return \&run_env if $fence->{mark}{env};
    return \&run_answer if $fence->{mark}{answer};
    return \&run_log if $fence->{mark}{log};
    return undef;
}

sub run_site
{
    my ($name, @fences) = @_;
    my $plain = !grep { $_->{lang} eq 'apache' || $_->{mark}{file} } @fences;
    my @backends = grep { $_->{mark}{serve} } @fences;
    $PORT{ $_->{mark}{serve} } = SxTest::Paths::free_port() for @backends;
    my $server = $plain ? plain_server() : site_server(@fences);
    my ($status, $text) = $server->configtest;
    is($status, 0, "$fences[0]{where}: httpd accepts the site $name")
        or diag($text);
    my @steps = grep { step_of($_) } @fences;
    return unless @steps;
    my @programs = map { serve($server, $_) } @backends;
    $server->start unless $plain;
    my $site = { server => $server };
    step_of($_)->($site, $_) for @steps;
    $server->stop unless $plain;
    $_->stop for @programs;
    return;
}

# --- all pages ----------------------------------------------------------------
my @pages = ('README.md',
    map { m{(docs/[^/]+)$} } sort glob "$top/docs/*.md");
cmp_ok(scalar @pages, '>', 4, 'the pages are found');
for my $page (@pages) {
    my @fences = fences($page);
    is(join(', ', grep { defined } map { problem_of($_) } @fences), '',
        "every snippet of $page is run");
    run_refused($_) for grep { $_->{mark}{refused} } @fences;
    my (%site, @order);
    for my $fence (grep { $_->{mark}{site} } @fences) {
        my $name = $fence->{mark}{site};
        push @order, $name unless $site{$name};
        push @{ $site{$name} }, $fence;
    }
    # A build without PHP has no extension to show.
    @order = grep { !grep { $_->{lang} eq 'ini' } @{ $site{$_} } } @order
        if !-e SxTest::Paths::php_extension();
    run_site($_, @{ $site{$_} }) for @order;
}

SxTest::done();
