# SPDX-License-Identifier: Apache-2.0
# What ShmStore says of room holds for PHP, too, and changes with httpd.
use SxTest;

my $conf = <<'CONF';
ShmStore sessions size=4m max-anonymous=%d%%
<Location "/p/">
    SessionExt On
    SessionExtPHP On
</Location>
CONF
my $s = SxTest::Server->new(php_ini => '', conf => sprintf $conf, 2);
$s->start;

# How many of twelve visitors, with 15 KB each, still have what they left.
sub left_of_twelve
{
    my @b = map { $s->browser } 1 .. 12;
    $_->post('/p/php/run.php', content => 'session_start(); '
        . '$_SESSION["v"] = str_repeat("v", 15000);') for @b;
    return scalar grep { $_->post('/p/php/run.php', content =>
        'session_start(["read_and_close" => true]); '
        . 'echo strlen($_SESSION["v"] ?? "");')->body eq '15000' } @b;
}

cmp_ok(left_of_twelve(), '<', 9, 'visitors have the part that max-anonymous is');
$s->write_conf(sprintf $conf, 60);
$s->graceful;
is(left_of_twelve(), 12, 'or a larger one, when httpd says so');
SxTest::done();
