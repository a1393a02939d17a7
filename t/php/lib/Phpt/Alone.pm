# SPDX-License-Identifier: Apache-2.0
# Our handler in a php without httpd, which makes its store itself.
package Phpt::Alone;
use strict;
use warnings;
use Cwd qw(abs_path);
use SxTest::File qw(spew);
use Php::Ours;

# What Phpt::Run wants to know of ours, with PHP's serializer or our own.
sub handler
{
    my ($dir, $own) = @_;
    system('rm', '-rf', $dir) == 0 && mkdir $dir, 0700
        or die "$dir: cannot be made\n";
    # A store has no link on its way.
    $dir = abs_path($dir);
    Php::Ours::make_keys($dir);
    my @ini = map { s/ = /=/r } split /\n/,
        Php::Ours::ini($dir) . "session_ext.store_size = 16M\n";
    @ini = grep { !/serialize/ } @ini if !$own;
    return (handler => 'session_ext', ini => \@ini,
        client => sub { return cookie($dir, @ini) });
}

# That of somebody who has a session since now.
sub cookie
{
    my ($dir, @ini) = @_;
    spew("$dir/begin.php", "<?php session_start();\n");
    my @cgi = (GATEWAY_INTERFACE => 'CGI/1.1', REQUEST_METHOD => 'GET',
        REDIRECT_STATUS => 200, SCRIPT_FILENAME => "$dir/begin.php");
    local %ENV = (%ENV, @cgi);
    open my $php, '-|', 'php-cgi', '-n', map { ('-d', $_) } @ini
        or die "php-cgi: $!\n";
    my ($cookie) = map { /^Set-Cookie: (sid=[^;\s]+)/ } <$php>;
    close $php and $cookie or die "php-cgi begins no session: see $dir\n";
    return $cookie;
}

1;
