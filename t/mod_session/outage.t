# SPDX-License-Identifier: Apache-2.0
# Where the store cannot be asked nobody is logged out by that: mod_auth_form's
# log-in page is not shown, access is refused with 503, and the cookie stays.
use SxTest;
use SxTest::ModSession qw(server log_in on);

my $s = server("ShmStore sessions size=16m\n");
$s->start;
my $b = $s->browser;
log_in($b, 'ann');
my $id = $b->cookie('sid');
is($b->get('/form/cgi/app')->status, 200, 'at first all is well');
$s->stop;

my ($file) = grep { /sessions/ && -f } glob $s->runtime_dir . '/*.shm';
# The moment of its last use lies in the future: another clock.
for my $at (168, 208) {
    open my $f, '+<:raw', $file or die "$file: $!\n";
    seek $f, $at, 0;
    read $f, my $bytes, 8;
    seek $f, $at, 0;
    print $f pack 'q<', unpack('q<', $bytes) + 86_400_000;
    close $f or die "$file: $!\n";
}
$s->start;
for my $path (qw(/form/cgi/app /form/static/1k.txt)) {
    my $mark = $s->log_mark;
    my $r = $b->get($path);
    is($r->status, 503, "$path: 503");
    is($r->header('Set-Cookie'), undef, "$path: the cookie stays");
    like($s->error_log_since($mark), qr/could not be asked/,
        "$path: the log says why");
}
is($b->cookie('sid'), $id, 'the browser has kept its id');
is($s->browser->get('/form/cgi/app')->status, 401,
    'without a cookie no store need be asked: who comes anew may log in');
is($b->get('/open/cgi/app')->env('SESSION_STATUS'), 'unavailable',
    'where nobody need log in an app runs, and knows');
SxTest::done();
