# SPDX-License-Identifier: Apache-2.0
# Where the store cannot be asked, Require session… answers 503 and lets nobody
# in, by Require not and RequireNone neither; what asks for no session is as
# ever.
use SxTest;

my $s = SxTest::Server->new(scopes => 1);
my $conf = "ShmStore gone size=16m\n";

sub scope
{
    my ($name, @lines) = @_;
    $conf .= join "\n", "<Location \"/$name/\">", 'SessionExt On',
        'SessionExtStore shm:gone', @lines, "</Location>\n";
    return;
}
my %asked = (
    plain => ['Require session'],
    user => ['Require session-user alice'],
    age => ['Require session-age 1h'],
    not => ['<RequireAll>', 'Require all granted',
        'Require not session-key role banned', '</RequireAll>'],
    none => ['<RequireAll>', 'Require all granted', '<RequireNone>',
        'Require session-user mallory', '</RequireNone>', '</RequireAll>'],
    any => ['<RequireAny>', 'Require session-key role admin',
        'Require all granted', '</RequireAny>'],
    password => ['AuthType Basic', 'AuthName x', 'Require session'],
    expr => ["Require expr \"session('role') != 'banned'\""],
    page => ['Require session', 'ErrorDocument 503 "the page of 503"'],
);
scope($_, @{ $asked{$_} }) for sort keys %asked;
scope('before', '<RequireAny>', 'Require all granted',
    'Require session-user alice', '</RequireAny>');
$s->write_conf($conf);
$s->start;
my $b = $s->browser;
$b->get('/before/cgi/app', h => ['Session-Set: user=alice&role=admin']);
is($b->get("/$_/static/1k.txt")->status, 200, "$_: at first all is well")
    for sort keys %asked;
my $id = $b->cookie('sid');
$s->stop;

my ($file) = grep { /gone/ && -f } glob $s->runtime_dir . '/*';
die 'no segment in ' . $s->runtime_dir . "\n" unless $file;
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

for my $scope (sort keys %asked) {
    for my $what ('static/1k.txt', 'cgi/app') {
        my $mark = $s->log_mark;
        my $r = $b->get("/$scope/$what", body => 'ran');
        is($r->status, 503, "$scope/$what: 503");
        unlike($r->body, qr/BODY=ran/, "$scope/$what: and no app has run");
        is($r->header('Set-Cookie'), undef, "$scope/$what: the cookie stays");
        like($s->error_log_since($mark), qr/could not be asked/,
            "$scope/$what: the log says why");
    }
}
is($b->get('/page/static/1k.txt')->body, 'the page of 503',
    'it is a 503 to ErrorDocument as well');
is($b->get('/before/static/1k.txt')->status, 200,
    'what lets in before a session is asked for lets in');
is($b->cookie('sid'), $id, 'the browser has kept its id');

my $nobody = $s->browser;
is($nobody->get('/user/static/1k.txt')->status, 403,
    'without a cookie no store need be asked: nobody is nobody');
is($nobody->get('/not/static/1k.txt')->status, 200, 'and not banned');

# Where there is nothing but an expression that asks.
$s->stop;
$conf = "ShmStore gone size=16m\n";
scope('expr', @{ $asked{expr} });
$s->write_conf($conf);
$s->start;
is($b->get('/expr/static/1k.txt')->status, 503, 'Require expr alone: 503');
SxTest::done();
