# SPDX-License-Identifier: Apache-2.0
# An extension that knows another layout of the store than httpd: it leaves the
# store alone and says so.
use SxTest;

my $s = SxTest::Server->new(php_ini => '', conf => <<'CONF');
<Location "/p/">
    SessionExt On
    SessionExtPHP On
</Location>
CONF

sub answer
{
    my ($b) = @_;
    return $b->post('/p/php/run.php', content =>
        'ob_start(); var_dump(session_start()); echo "on";')->body;
}

$s->start;
is(answer($s->browser), "bool(true)\non", 'of one build they go together');
$s->stop;
$s->{fpm}->stop if $s->{fpm};
$s->upgrade;
$s->start;
$s->{fpm}->start if $s->{fpm};
my $b = $s->browser;
$b->get('/p/cgi/app', h => ['Session-Set: a=1']);
is($b->get('/p/cgi/app')->env('SESSION_VAR_a'), '1', 'httpd has another layout');
my $unknown = qr/layout version \d+, this program knows \d+/;
like(answer($b), qr/Warning.*$unknown.*false\)\non$/s,
    'PHP says that it does not know it, and goes on');
is($b->get('/p/cgi/app')->env('SESSION_VAR_a'), '1', 'and has harmed nothing');
SxTest::done();
