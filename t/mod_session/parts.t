# SPDX-License-Identifier: Apache-2.0
# Parts of a page, and pages that lead to another one inside httpd: what modules
# keep by mod_session is committed once, with the page, wherever that ends.
use SxTest;
use SxTest::ModSession qw(server log_in on form);

my $s = server("<Location \"/app/\">\n"
    . on('SessionHeader X-Session', 'SessionMaxAge 60') . "</Location>\n"
    . "<Location \"/off/\">\nSessionExt Off\nSession Off\n</Location>\n"
    . "<Location \"/form/static/\">\n"
    . "ErrorDocument 404 /off/cgi/app?status=404\n</Location>\n"
    . "<Location \"/form/ssi/\">\n"
    . "ErrorDocument 404 /open/cgi/app?status=404\n</Location>\n"
    . "<Location \"/ns/\">\n" . on(form('SessionExtNamespace other',
        'SessionExtCookie name=other', 'Require valid-user')) . "</Location>\n"
    . "<Location \"/ns/logout\">\nSetHandler form-logout-handler\n"
    . "Require all granted\n</Location>\n");
$s->start;
my $b = $s->browser;
sub data { return $b->get('/open/cgi/app')->env('SESSION_DATA') // '' }

# Includes: the page has a session, and so have its parts.
$b->get('/app/cgi/app', h => ['X-Session: a=1']);
my $r = $b->get('/app/ssi/include.shtml');
is($r->status, 200, 'a page of parts is served');
is($r->header('Set-Cookie'), undef, 'without a cookie');
$r = $b->get('/app/ssi/query.shtml?h=' . SxTest::Browser::escape('Session-Set: p=1'));
is(data(), 'a=1&p=1', 'a part may write');

# A log-in at a page that is not there: the page that says so has no sessions.
my $nobody = $s->browser;
$r = log_in($nobody, 'ann', path => '/form/static/none');
is($r->status, 404, 'an error page without sessions answers');
is($r->env('REDIRECT_STATUS'), '404', 'which is another page');
is(scalar(() = $r->headers('Set-Cookie')), 1, 'the log-in before it is kept');
is($nobody->get('/form/cgi/app')->env('REMOTE_USER'), 'ann', 'and is one');

$nobody = $s->browser;
$r = log_in($nobody, 'ann', path => '/form/ssi/none');
is($r->status, 404, 'one with sessions answers');
is($r->env('SESSION_DATA'), 'Shop-user=ann', 'and sees the log-in before it');
is(scalar(() = $r->headers('Set-Cookie')), 1, 'by one cookie');

# Log-in pages.
$b = $s->browser;
log_in($b, 'ann');
is($b->get('/form/cgi/app')->status, 200, 'in');
$r = $b->get('/form/ssi/include.shtml');
is($r->status, 200, 'parts of a page that needs a log-in are let in, too');
is($r->header('Set-Cookie'), undef, 'without a cookie');

# A page of these parts.
sub page_of
{
    my ($name, @parts) = @_;
    my $file = $s->root . "/htdocs/ssi/$name.shtml";
    open my $out, '>', $file or die "$file: $!\n";
    print $out map { "<!--#include virtual=\"$_\" -->\n" } @parts;
    close $out or die "$file: $!\n";
    chmod 0644, $file;
    return "/open/ssi/$name.shtml";
}

# A log-out that is part of a page comes when the page's headers have left, and
# is done before the page is.
my $page = page_of('bye', '/open/static/1k.txt', '/form/logout',
    '/open/cgi/app?wait=' . SxTest::Barrier::file_name('bye'));
my $leaving = $s->browser;
log_in($leaving, 'ann');
my $going = $leaving->clone->start($page);
ok(SxTest::reached('bye'), 'a page stands');
is($leaving->get('/open/cgi/app')->env('SESSION_STATUS'), 'invalid',
    'and a part of it has ended the session');
SxTest::release('bye');
$r = $going->finish;
is($r->header('Set-Cookie'), undef, 'when its headers have left');

# So does one of another session than the page's.
log_in($leaving, 'ann', path => '/ns/cgi/app',
    field => { httpd_location => '/ns/cgi/app' });
is($leaving->get('/ns/cgi/app')->status, 200, 'in another namespace');
$leaving->get(page_of('other', '/ns/logout'));
is($leaving->get('/ns/cgi/app')->status, 401, 'a part logs out, too');

# A page that speaks HTTP itself sets no cookie of ours: its log-in is none.
my $mark = $s->log_mark;
$nobody = $s->browser;
$r = log_in($nobody, 'ann', path => '/form/cgi/nph-app');
is($r->status, 200, 'an nph page is let in to by a log-in');
is($nobody->get('/form/cgi/app')->status, 401, 'but not the next one');
like($s->error_log_since($mark),
    qr/a session cannot begin after the headers have left/,
    'and the log says why');

# HEAD, conditional requests, ranges.
for my $header ({ 'If-None-Match' => '*' },
    { Range => 'bytes=0-9' }) {
    $r = $b->get('/form/static/1k.txt', header => $header);
    like($r->status, qr/^(?:304|206)$/, 'a part of a file is served');
    is($r->header('Set-Cookie'), undef, 'without a cookie');
    like($r->header('Vary') // '', qr/\bCookie\b/, 'and varies');
}
$r = $b->head('/form/cgi/app');
is($r->status, 200, 'HEAD is let in');
SxTest::done();
