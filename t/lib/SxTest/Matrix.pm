# SPDX-License-Identifier: Apache-2.0
# The tables of docs/paths.md, each cell put to a real server: what is written
# there is what is tested, and what is tested is what is written there.
#
# A cell is "200 SWFP" (the page says what that means), or "-" where there is no
# such thing.
package SxTest::Matrix;

use strict;
use warnings;

use Test::More;
use SxTest;
use SxTest::Gateways;
use SxTest::Response;

my $PAGE = 'docs/paths.md';
my @TELL = qw(SESSION_VAR_cart HTTP_X_SESSION_DATA_1 FLASH_info
    HTTP_X_SESSION_FLASH);

# How each row is asked for. APP is the app with its extension. by => 'query':
# the app learns what to do by the query, else by a header, which goes with each
# part of a request. More is as in SxTest::Browser.
my %ROW = (
    'a page'                => { path => '/APP' },
    'HEAD'                  => { path => '/APP', method => 'HEAD' },
    'a conditional request' => { path => '/APP', h => ['ETag: "1"'],
        header => { 'If-None-Match' => '"1"' } },
    'a redirect by the app' => { path => '/APP', status => 302,
        h => ['Location: http://localhost/'] },
    'a 404 of the app'   => { path => '/APP', status => 404 },
    'a 500 of the app'   => { path => '/APP', status => 500 },
    'path info'          => { path => '/APP/more/of/it' },
    'an index file'      => { path => '/dir/' },
    'a file by MultiViews' => { path => '/many/app' },
    'a rewritten path'   => { path => '/rewritten/old' },
    'a page over HTTP/2' => { path => '/APP', h2 => 1 },
    'an app in a page'   => { path => '/page.shtml' },
    'a local redirect'   => { path => '/APP', by => 'query', type => '',
        h => ['Location: /APP?' . join '&', map { "tell=$_" } @TELL] },
    'an nph- script'     => { path => '/nph-APP' },
    'the page of a 401'  => { path => '/err/locked' },
    'the page of a 404'  => { path => '/err/none' },
    'the page of a 500'  => { path => '/err/broken' },
    'the page of a 400, no Host' => { path => '/APP',
        header => { Host => undef } },
    # The last line of the head, so that the ones before it were read.
    'the page of a 400, no header' => { path => '/APP',
        header => { 'Z no name' => 1 } },
    'the page of a 414'  => { path => '/APP?' . 'a' x 9000 },
    'a plain file'       => { path => '/plain.txt' },
    'a 304 of a plain file' => { path => '/plain.txt',
        header => { 'If-None-Match' => '*' } },
    'a directory without its slash' => { path => '/dir' },
    'OPTIONS *'          => { path => '*', method => 'OPTIONS' },
    'TRACE'              => { path => '/APP', method => 'TRACE' },
);

sub row_names { return sort keys %ROW }

# ---- the page ----------------------------------------------------------------

sub _cells { return map { s/^\s*`?|`?\s*$//gr } split /\|/, $_[0] =~ s/^\|//r }

# [section, [columns], [row, {column => cell}]...] for each table of the page.
sub tables
{
    my ($top) = @_;
    open my $in, '<', "$top/$PAGE" or die "$PAGE: $!\n";
    my ($section, $table, @tables);
    while (my $line = <$in>) {
        chomp $line;
        $section = $1 if $line =~ /^## (.*)/;
        undef $table if $line !~ /^\|/;
        my ($first, @cells) = _cells($line);
        if ($line =~ /^\| *\| *CGI\b/) {
            push @tables, $table = [$section, \@cells];
        }
        elsif ($table && $line !~ /^\|-/) {
            my %cell;
            @cell{ @{ $table->[1] } } = @cells;
            push @$table, [$first, \%cell];
        }
    }
    return @tables;
}

# ---- one request -------------------------------------------------------------

sub _form { return SxTest::Browser::_form({ @_ }) }

# What a row asks of this gateway, with these commands.
sub _request
{
    my ($row, $gate, @commands) = @_;
    my %how = %{ $ROW{$row} };
    my $app = _form(h => [@commands, map { s/APP/app.$gate->{ext}/r }
            @{ $how{h} || [] }], tell => \@TELL,
        map { exists $how{$_} ? ($_ => $how{$_}) : () } qw(status type));
    my %header = %{ $how{header} || {} };
    my $path = $how{path} =~ s/APP/app.$gate->{ext}/r;
    if (($how{by} || '') eq 'query') {
        $path .= "?$app";
    }
    else {
        $header{'X-App'} = $app;
    }
    return ($how{method} || 'GET', $path, \%header, $how{h2});
}

# No Perl of ours speaks HTTP/2; curl does.
sub _by_curl
{
    my ($b, $port, $path, $header) = @_;
    my %all = (%$header, Accept => '*/*', Host => 'localhost');
    my $cookie = $b->cookie('sid');
    $all{Cookie} = "sid=$cookie" if defined $cookie;
    open my $pipe, '-|', 'curl', '-s', '-i', '-m', 20,
        '--http2-prior-knowledge', (map { ('-H', "$_: $all{$_}") }
            sort keys %all), "http://127.0.0.1:$port$path"
        or die "curl: $!\n";
    my $answer = do { local $/; readline $pipe };
    close $pipe;
    my ($head, $body) = split /\r\n\r\n/, $answer // '', 2;
    my $r = SxTest::Response->from_head($head // '');
    $r->{body} = $body // '';
    $b->{jar}->take($_, 'localhost', $path) for $r->headers('Set-Cookie');
    return $r;
}

sub _ask
{
    my ($b, $row, $gate, @commands) = @_;
    my ($method, $path, $header, $h2) = _request($row, $gate, @commands);
    return _by_curl($b, $gate->{port}, $path, $header) if $h2;
    return $b->request($method, $path, port => $gate->{port},
        header => $header);
}

# ---- one cell ----------------------------------------------------------------

sub _told
{
    my ($r, $what) = @_;
    return 1 if grep { /$what/ } $r->headers('X-Told');
    return grep { ("$_=" . ($r->env($_) // '')) =~ $what } @TELL;
}

sub _ids { return grep { /^sid=/ } $_[0]->headers('Set-Cookie') }

sub _is_private
{
    my ($r) = @_;
    return ($r->header('Cache-Control') || '') =~ /\b(?:private|no-store)\b/
        && ($r->header('Vary') || '') =~ /\bCookie\b/;
}

# What is wrong with any answer, whatever its cell.
sub _wrong_with
{
    my ($r, $row) = @_;
    my @control = grep { /^session-/i } $r->header_names;
    my @wrong;
    push @wrong, "control headers: @control" if @control && $row !~ /nph-/;
    push @wrong, 'more than one cookie' if _ids($r) > 1;
    push @wrong, 'a cookie that caches may keep' if _ids($r)
        && ($r->header('Cache-Control') || '') ne 'no-store';
    push @wrong, 'the id is shown' if $r->body =~ /^HTTP_COOKIE=.*sid/m;
    push @wrong, 'a backend shows what it was told' if $row eq 'TRACE'
        && $r->body =~ /^X-Session-/mi;
    return @wrong;
}

# With a session: sees it, writes into it, eats a message, is private.
sub _visit_as_known
{
    my ($seen, $b, $row, $gate) = @_;
    $b->post('/s/cgi/app', h => ['Session-Set: cart=3',
        'Session-Flash: info=hi']);
    my $r = _ask($b, $row, $gate, 'Session-Set: mark=1');
    my $after = $b->get('/s/cgi/app');
    $seen->{status}  = $r->status;
    $seen->{sees}    = _told($r, qr/cart=3|_cart=3/);
    $seen->{writes}  = ($after->env('SESSION_VAR_mark') || '') eq '1';
    $seen->{eats}    = !defined $after->env('FLASH_info');
    $seen->{private} = _is_private($r);
    push @{ $seen->{wrong} }, _wrong_with($r, $row);
    push @{ $seen->{wrong} }, 'a cookie without need' if _ids($r);
    push @{ $seen->{wrong} }, 'a message that is eaten is not shown'
        if $seen->{sees} && $seen->{eats} && !_told($r, qr/info=hi/);
    return;
}

sub _visit_as_new
{
    my ($seen, $b, $row, $gate) = @_;
    my $r = _ask($b, $row, $gate, 'Session-Set: mark=1');
    $seen->{begins} =
        ($b->get('/s/cgi/app')->env('SESSION_VAR_mark') || '') eq '1';
    push @{ $seen->{wrong} }, _wrong_with($r, $row);
    push @{ $seen->{wrong} }, 'a cookie without a session'
        if _ids($r) && !$seen->{begins};
    return;
}

sub _visit_to_end
{
    my ($seen, $b, $row, $gate) = @_;
    my $copy = $b->clone;
    my $r = _ask($b, $row, $gate, 'Session-Destroy: on');
    $seen->{ends} = $copy->get('/s/cgi/app')->env('SESSION_STATUS') eq 'invalid';
    push @{ $seen->{wrong} }, _wrong_with($r, $row);
    push @{ $seen->{wrong} }, 'the cookie of an ended session stays'
        if $seen->{ends} && $seen->{begins} && defined $b->cookie('sid');
    return;
}

my %WRITES = (111 => 'W', 101 => 'w', '001' => 'E', '000' => '-');

sub _measured
{
    my ($gates, $row, $gate) = @_;
    my $known = $gates->server->browser;
    my %seen = (wrong => []);
    _visit_as_known(\%seen, $known, $row, $gate);
    _visit_as_new(\%seen, $gates->server->browser, $row, $gate);
    _visit_to_end(\%seen, $known, $row, $gate);
    my $writes = join '', map { $seen{$_} ? 1 : 0 } qw(writes begins ends);
    return (join('', $seen{status}, ' ', $seen{sees} ? 'S' : '-',
        $WRITES{$writes} // "?$writes", $seen{eats} ? 'F' : '-',
        $seen{private} ? 'P' : '-'), @{ $seen{wrong} });
}

# ---- a table -----------------------------------------------------------------

my %SAYS = (S => 'the app sees the session', W => 'its commands are obeyed',
    w => 'its commands are obeyed, but no session begins',
    E => 'only the end of a session is obeyed', F => 'messages are shown',
    P => 'the answer is private');

sub _label
{
    my ($row, $gate, $cell) = @_;
    my ($status, $letters) = split ' ', $cell;
    my @says = map { $SAYS{$_} || () } split //, $letters;
    return "$row, $gate->{name}: $status" . join '', map { ", $_" }
        @says ? @says : 'and no app is asked';
}

sub _check_cell
{
    my ($gates, $row, $gate, $cell) = @_;
    my ($found, @wrong) = _measured($gates, $row, $gate);
    is($found, $cell, _label($row, $gate, $cell));
    is(join('; ', @wrong), '', "$row, $gate->{name}: and nothing else is amiss");
    return;
}

sub _check_row
{
    my ($gates, $row, $cells) = @_;
    my $how = $ROW{$row};
    ok($how, "$PAGE: it is known how to ask for: $row") or return;
    # mod_http2 does not work under prefork.
    return if $how->{h2} && SxTest::mpm() eq 'prefork';
    for my $gate ($gates->gates) {
        my $cell = $cells->{ $gate->{name} };
        _check_cell($gates, $row, $gate, $cell) if $cell ne '-';
    }
    return;
}

# Each cell of the table of this section of the page.
sub check
{
    my ($section) = @_;
    my ($table) = grep { $_->[0] eq $section } tables(SxTest::t_dir() . '/..');
    ok($table, "$PAGE has a table: $section") or return;
    my $gates = SxTest::Gateways->new;
    for my $missing ($gates->missing) {
        SKIP: { skip("$missing is not installed", 1) }
    }
    my (undef, undef, @rows) = @$table;
    _check_row($gates, @$_) for @rows;
    return $gates;
}

1;
