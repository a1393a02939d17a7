# SPDX-License-Identifier: Apache-2.0
# F3: an error page of httpd's own shows no message, whatever handler had seen
# it before: the messages wait for a page that does.
use SxTest;

my $backend = SxTest::Server->new(module => 0);
$backend->start;
my $to = 'http://127.0.0.1:' . $backend->port . '/any';
my $server = SxTest::Server->new(scopes => 1, php => 1, conf => <<"EOF");
<Location "/replaced/">
    SessionExt On
    SessionExtNamespace localhost
    SessionExtAccept On
    SessionExtRequestHeaders On
    ProxyPass $to/ disablereuse=On
    ProxyErrorOverride On
</Location>
EOF
$server->start;

my $b = $server->browser;
$b->get('/s/cgi/app', h => ['Session-Set: a=1']);

sub waits_after
{
    my ($what, $status, $path, %how) = @_;
    $b->get('/s/cgi/app', h => ['Session-Flash: info=hello']);
    my $r = $b->get($path, %how);
    is($r->status, $status, "$what: $status");
    is($b->get('/s/cgi/app')->env('FLASH_info'), 'hello',
        "$what: the message waits");
    return;
}

waits_after('a CGI program that is not there', 404, '/s/cgi/none');
waits_after('an answer in place of which httpd puts its own', 404,
    '/replaced/cgi/app', status => 404);
waits_after('a CGI program whose header is none', 500, '/s/cgi/app',
    h => ['no colon']);
$b->get('/s/cgi/app', h => ['Session-Flash: info=hello']);
is($b->get('/s/cgi/app', status => 404)->env('FLASH_info'), 'hello',
    'the error page of an app shows it');
is($b->get('/s/cgi/app')->env('FLASH_info'), undef, 'and only that');

# Where only a part of the page is httpd's error, the page shows it.
my $page = $server->root . '/htdocs/ssi/part.shtml';
open my $out, '>', $page or die "$page: $!\n";
print $out '<!--#include virtual="../cgi/none" -->'
    . '<!--#include virtual="../cgi/app" -->';
close $out or die "$page: $!\n";
$b->get('/s/cgi/app', h => ['Session-Flash: info=hello']);
is($b->get('/s/ssi/part.shtml')->env('FLASH_info'), 'hello',
    'a page one part of which is not there shows it');
is($b->get('/s/cgi/app')->env('FLASH_info'), undef, 'and it is shown once');
SxTest::done();
