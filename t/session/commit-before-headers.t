# SPDX-License-Identifier: Apache-2.0
# B4: the commit happens before the first byte of the response leaves: who has
# seen the head finds what was written, however long the body takes.
use SxTest;

use IO::Socket::INET;

# The head of an answer whose body still waits at a barrier.
sub head_of
{
    my ($path) = @_;
    my $sock = IO::Socket::INET->new(PeerAddr => '127.0.0.1',
        PeerPort => SxTest::port()) or die "connect: $!\n";
    print $sock "GET $path HTTP/1.1\r\nHost: localhost\r\n"
        . "Connection: close\r\n\r\n";
    my $head = '';
    while (defined(my $line = readline $sock)) {
        last if $line =~ /^\r?\n$/;
        $head .= $line;
    }
    return ($sock, $head);
}

for my $app ('cgi/slow-body', 'php/slow-body.php') {
    my $door = 'body-' . $app =~ s/\W/-/gr . '-' . $$;
    my ($sock, $head) = head_of("/s/$app?wait=$door");
    like($head, qr/^HTTP\/1\.1 302 /, "$app: the head is here");
    my ($id) = $head =~ /^Set-Cookie: sid=([\w-]+)/mi;
    ok($id, "$app: with the cookie");
    ok(!-e "$ENV{SXTEST_BARRIERS}/$door.done",
        "$app: while the app is still writing its body");
    my $b = SxTest->browser;
    $b->set_cookie(sid => $id);
    my $r = $b->get('/s/cgi/app');
    is($r->env('SESSION_VAR_cart'), '3',
        "$app: who follows the redirect at once finds what was written");
    open my $go, '>', "$ENV{SXTEST_BARRIERS}/$door.go" or die "$door: $!\n";
    close $go;
    like(join('', readline $sock), qr/end of the body/,
        "$app: the body comes afterwards");
}

# The everyday case, many times: write, redirect, follow.
my $b = SxTest->browser;
my @seen = map {
    my $r = $b->get('/s/cgi/app', status => 302,
        h => ["Session-Set: n=$_", 'Location: /s/cgi/app']);
    $b->get($r->location)->env('SESSION_VAR_n');
} 1 .. 20;
is("@seen", join(' ', 1 .. 20), 'each redirect leads to what was just set');
SxTest::done();
