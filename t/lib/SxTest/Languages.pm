# SPDX-License-Identifier: Apache-2.0
# The helpers of conf/examples/helpers: one table of what an app asks for and
# what it must be told, put to an app in each language, by each way to it.
#
# The apps (t/languages/apps) take orders from the body, "ORDER WORD WORD" a
# line with the words form-encoded, and answer in the same form:
#
#   tell                what the session says of itself
#   get KEY             "value VALUE", or "none"
#   messages LEVEL      "message TEXT" for each
#   set KEY VALUE … and the like: nothing, or "refused"
package SxTest::Languages;

use strict;
use warnings;

use Test::More;
use SxTest;
use SxTest::Daemon;

my $odd   = "=&%+,; \"'<>\\#\t\r\n";
my $utf   = "Gr\xc3\xbc\xc3\x9fe \xe2\x82\xac";
my $bytes = join '', map { chr } 1 .. 255;
my $long  = join('', map { chr 1 + $_ % 255 } 1 .. 20_000) . "\n";
my $key   = "a.b c=&,\xc3\xa4%41";
my @many  = map { "key_$_" } 1 .. 120;

# label, orders, answers to them, and more that must hold afterwards:
#   status  of the answer, if it is not 200
#   env     what the test's own app sees then
#   cookie  'new', 'same' or 'gone'
#   flows   the row needs calls that take each other back: not in a shell
my @TABLE = (
    ['nobody is there', ['tell'],
        ['status none', 'version 0', 'user ', 'handle '], cookie => 'same'],
    ['a key that is not there', ['get name'], ['none']],
    ['texts are set', [
        ['set', 'name', 'Ann & Bob'], ['set', 'odd', $odd], ['set', 'utf', $utf],
        ['set', 'empty', ''], ['set', $key, 'odd key']], [], cookie => 'new',
        env => { SESSION_VAR_name => 'Ann & Bob', SESSION_VERSION => 1 }],
    ['and come back', ['get name', 'get odd', 'get utf', 'get empty',
        ['get', $key], 'get other'],
        [['value', 'Ann & Bob'], ['value', $odd], ['value', $utf],
        ['value', ''], ['value', 'odd key'], 'none'], cookie => 'same'],
    ['a key goes', ['unset name', ['unset', $key]], [],
        env => { SESSION_VAR_name => undef, SESSION_VERSION => 2 }],
    ['bytes', [['set', 'bytes', $bytes]], []],
    ['come back', ['get bytes'], [['value', $bytes]]],
    ['a value of many lines', [['set', 'long', $long]], []],
    ['comes back', ['get long'], [['value', $long]]],
    ['many keys', [map { ['set', $_, "$odd$odd$_"] } @many], []],
    ['come back', [map { "get $_" } @many[0, 59, 119]],
        [map { ['value', "$odd$odd$_"] } @many[0, 59, 119]]],
    ['all goes', ['clear', 'set user ann', 'set n 1'], [], cookie => 'new',
        env => { SESSION_DATA => 'user=ann&n=1' }],
    ['the facts', ['tell'], ['status active', 'version 6', 'user ann',
        qr/^handle [0-9a-f]{16}$/]],
    ['numbers', ['incr n', 'incr new', 'incr n 41', 'incr n -1'], [],
        env => { SESSION_VAR_n => 42, SESSION_VAR_new => 1 }],
    ['parts', ['append text a+%26', 'append text b', 'append n 0'], [],
        env => { SESSION_VAR_text => 'a &b', SESSION_VAR_n => 420 }],
    ['a long part', [['append', 'text', $long]], []],
    ['behind the others', ['get text'], [['value', "a &b$long"]]],
    ['later calls count', ['set x 1', 'unset x', 'unset text', 'set text new',
        'incr n 5', 'set n 7', 'incr n'], [], flows => 1,
        env => { SESSION_VAR_x => undef, SESSION_VAR_text => 'new',
        SESSION_VAR_n => 8 }],
    ['and what was asked before a clear is gone', ['set y 1', 'clear',
        'append z 1', 'set user ann'], [], flows => 1,
        env => { SESSION_DATA => 'user=ann&z=1' }],
    ['no set behind an unset is lost', ['unset user', 'unset z', 'append z 2',
        'incr n', 'set user ann'], [], flows => 1,
        env => { SESSION_DATA => 'user=ann&z=2&n=1' }],
    ['messages', [['flash', 'info', 'Saved & done'], ['flash', 'warning', $utf],
        ['flash', 'info', $odd]], []],
    ['are on the next page', ['messages info', 'messages warning',
        'messages error'], [['message', 'Saved & done'], ['message', $odd],
        ['message', $utf]]],
    ['and on no other', ['messages info'], []],
    ['a message to keep', ['flash info again'], []],
    ['is kept', ['messages info', 'keep_flash'], ['message again']],
    ['and shown once more', ['messages info'], ['message again']],
    ['this version', ['if_version', 'set v 1'], [],
        env => { SESSION_VAR_v => 1 }],
    ['another version', ['if_version 1', 'set v 2'], [], status => 409,
        env => { SESSION_VAR_v => 1 }],
    ['what cannot be said', [['set', '', 'x'], ['set', 'k' x 129, 'x'],
        ['unset', ''], ['incr', 'k' x 129, 1], ['flash', 'Info', 'x'],
        ['flash', '', 'x'], ['flash', 'info', '%' x 4000], 'set v 3'],
        [('refused') x 7], env => { SESSION_VAR_v => 3, FLASH_COUNT => undef }],
    ['the longest key', [['set', 'k' x 128, 1], ['unset', 'k' x 128]], []],
    ['time', ['idle 600', 'persist on'], [], cookie => 'same',
        env => { SESSION_IDLE_LEFT => 600 }],
    ['as before', ['idle', 'persist off'], [],
        env => { SESSION_IDLE_LEFT => 1800 }],
    ['a new id', ['renew'], [], cookie => 'new', env => { SESSION_VAR_v => 3 }],
    ['a new session', ['renew discard', 'set fresh 1'], [], cookie => 'new',
        env => { SESSION_DATA => 'fresh=1' }],
    ['the end', ['destroy', 'flash info bye'], [], cookie => 'new',
        env => { SESSION_DATA => '' }],
    ['with a message', ['messages info', 'destroy'], ['message bye'],
        cookie => 'gone', env => { SESSION_STATUS => 'none' }],
);

my $SHORT = 9;

# ---- apps and the ways to them -------------------------------------------------

# cgi, short: CGI programs; by_http: the first of them behind another httpd;
# serve: backends. A way with `short` in its name differs from the others only
# in how the session comes and how the headers go, and gets the first rows.
my %LANGUAGE = (
    perl   => { cgi => 'app.pl', by_http => 1 },
    shell  => { cgi => 'app.sh', by_http => 1, no_flow => 1 },
    python => { cgi => 'app.py', short => 'wsgi.py', serve => {
        http => ['python3', 'wsgi.py', 'PORT'],
        'short-gunicorn' => ['gunicorn', '-b', '127.0.0.1:PORT',
            '--worker-tmp-dir', '/dev/shm', '--pythonpath', 'DIR',
            'wsgi:application'] } },
    ruby   => { cgi => 'app.rb', short => 'rack.rb', serve => {
        http => ['puma', '-b', 'tcp://127.0.0.1:PORT', '-t', '1:4',
            'config.ru'] } },
    node   => { serve => {
        http => ['node', '--max-http-header-size=131072', 'app.js', 'PORT'],
        # Where Debian has its modules.
        'short-connect' => ['env', 'NODE_PATH=/usr/share/nodejs', 'node',
            '--max-http-header-size=131072', 'connect.js', 'PORT'] } },
);

sub _dir
{
    my ($root) = @_;
    my $top = SxTest::t_dir() . '/..';
    mkdir "$root/lang";
    system('cp', '-RP', "$top/t/languages/apps", "$top/conf/examples/helpers",
        "$root/lang") == 0 or die "cp: $?\n";
    system('chmod', '-R', 'a+rX', "$root/lang");
    return "$root/lang/apps";
}

sub _cgi { return "ScriptAliasMatch \"^/$_[0]\$\" \"$_[1]\"\n" }

sub _trusted
{
    my ($path, $to, $more) = @_;
    return "<Location \"/$path\">\nSessionExtRequestHeaders On\n"
        . "SessionExtAccept On\nProxyPass \"$to\" $more\n</Location>\n";
}

# The server that has this language's app by each way, and their paths.
sub _server
{
    my ($how) = @_;
    my $s = SxTest::Server->new(scopes => 1);
    my $dir = _dir($s->root);
    my $conf = "<Location \"/lang/\">\nSessionExt On\n</Location>\n";
    my @paths;
    for my $way (grep { $how->{$_} } qw(cgi short)) {
        push @paths, "lang/$way";
        $conf .= _cgi($paths[-1], "$dir/$how->{$way}");
    }
    if ($how->{by_http}) {
        my $backend = SxTest::Server->new(module => 0);
        $backend->write_conf(_cgi('app', "$dir/$how->{cgi}"))->start;
        push @paths, 'lang/http';
        $conf .= _trusted($paths[-1],
            'http://127.0.0.1:' . $backend->port . '/app',
            # That httpd makes one line of all that have a name.
            'responsefieldsize=65536');
    }
    for my $way (sort(keys %{ $how->{serve} || {} })) {
        my $program = SxTest::Daemon->start(name => $way,
            log => $s->root . "/logs/$way",
            command => [map { -e "$dir/$_" ? "$dir/$_" : s/DIR/$dir/r }
                @{ $how->{serve}{$way} }]);
        push @paths, "lang/$way";
        $conf .= _trusted($paths[-1],
            'http://127.0.0.1:' . $program->port . '/app', '');
    }
    return ($s->write_conf($conf)->start, @paths);
}

# ---- one request ----------------------------------------------------------------

sub _line
{
    my ($order) = @_;
    return $order unless ref $order;
    my ($name, @words) = @$order;
    return join ' ', $name, map { SxTest::Browser::escape($_) } @words;
}

# In one form, whichever encoder an app has.
sub _plain
{
    my ($line) = @_;
    my ($name, @words) = split / /, $line, -1;
    return join ' ', $name, map { SxTest::Browser::escape(
        tr/+/ /r =~ s/%([0-9a-f]{2})/chr hex $1/egir) } @words;
}

sub ask
{
    my ($b, $path, @orders) = @_;
    return $b->request('POST', $path, content => join('', map { _line($_) . "\n" }
        @orders), header => { 'Content-Type' => 'text/plain' });
}

sub _answers { return map { _plain($_) } split /\n/, $_[0]->body }

# ---- the table --------------------------------------------------------------------

sub _check_answers
{
    my ($label, $r, $want) = @_;
    my @got = _answers($r);
    my @want = map { ref eq 'Regexp' ? $_ : _plain(_line($_)) } @$want;
    for my $i (0 .. $#want) {
        next unless ref $want[$i] && ($got[$i] // '') =~ $want[$i];
        $want[$i] = $got[$i];
    }
    my ($got, $all) = map { join "\n", @$_ } \@got, \@want;
    # Long ones are compared, not shown.
    return ok($got eq $all, $label) if length $all > 2000;
    return is($got, $all, $label);
}

sub _check_cookie
{
    my ($label, $before, $after, $want) = @_;
    my $is = !defined $after ? (defined $before ? 'gone' : 'same')
        : defined $before && $after eq $before ? 'same' : 'new';
    return is($is, $want, "$label: the cookie");
}

sub _check_row
{
    my ($b, $path, $row) = @_;
    my ($label, $orders, $answers, %more) = @$row;
    my $before = $b->cookie('sid');
    my $r = ask($b, "/$path", @$orders);
    $label = "$path: $label";
    is($r->status, $more{status} || 200, $label) or diag($r->body);
    _check_answers("$label: the answer", $r, $answers) unless $more{status};
    _check_cookie($label, $before, $b->cookie('sid'), $more{cookie})
        if $more{cookie};
    return unless $more{env};
    # One that is handed no messages.
    my $seen = $b->get('/s/cgi/app', header => { Accept => 'image/png' });
    is($seen->env($_), $more{env}{$_}, "$label: $_")
        for sort keys %{ $more{env} };
    return;
}

# What needs two visitors.
sub _check_logout
{
    my ($s, $path) = @_;
    my @b = map { $s->browser } 1 .. 3;
    ask($_, "/$path", 'set user ann') for @b;
    ask($b[0], "/$path", 'logout others');
    is((_answers(ask($b[0], "/$path", 'tell')))[0], 'status active',
        "$path: logout others: this one stays");
    is((_answers(ask($b[1], "/$path", 'tell')))[0], 'status invalid',
        "$path: and another does not");
    my $copy = $b[0]->clone;
    ask($b[0], "/$path", 'logout');
    is((_answers(ask($copy, "/$path", 'tell')))[0], 'status invalid',
        "$path: logout: nobody is in");
    return;
}

sub check
{
    my ($language) = @_;
    my $how = $LANGUAGE{$language};
    my ($s, @paths) = _server($how);
    for my $path (@paths) {
        my $b = $s->browser;
        # The way to an app may depend on the MPM, what a helper says does not.
        my $short = $path =~ /short/ || SxTest::mpm() ne 'event';
        for my $row ($short ? @TABLE[0 .. $SHORT - 1] : @TABLE) {
            my (undef, undef, undef, %more) = @$row;
            _check_row($b, $path, $row) unless $more{flows} && $how->{no_flow};
        }
        _check_logout($s, $path) unless $short;
    }
    return $s;
}

1;
