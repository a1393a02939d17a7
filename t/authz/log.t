# SPDX-License-Identifier: Apache-2.0
# %{NAME}^SX in access logs: facts and values, as the answer has left them,
# escaped; "-" for what is not there; never an id.
use SxTest;

my $s = SxTest::Server->new(scopes => 1);
my $log = $s->root . '/logs/sx';
my @items = qw(STATUS HANDLE USER VERSION CREATED role key:role key:USER
    cookie id);
my $format = join '|', map { "%{$_}^SX" } @items;
$s->write_conf(<<"EOF2");
CustomLog $log "%{X-Mark}i|$format"
<Location "/named/">
    SessionExt On
    ErrorDocument 404 /off/static/hello.html
</Location>
EOF2
$s->start;
my $b = $s->browser;

# What the log has of a request, by name.  The line is written when the client
# has its answer, so it is known by a mark of its own.
my $marks = 0;

sub logged
{
    my ($path, @command) = @_;
    my $mark = 'mark' . ++$marks;
    $b->get($path, header => {'X-Mark' => $mark}, h => \@command);
    my $line;
    for (1 .. 500) {
        open my $in, '<', $log or die "$log: $!\n";
        ($line) = grep { /^\Q$mark\E\|.*\n/ } <$in>;
        last if defined $line;
        select undef, undef, undef, 0.02;
    }
    chomp($line //= '');
    my (undef, @values) = split /\|/, $line, -1;
    my %by = map { $items[$_] => $values[$_] // '?' } 0 .. $#items;
    return \%by;
}

my $l = logged('/s/cgi/app');
is($l->{STATUS}, 'none', 'without a session there is a status');
is($l->{$_}, '-', "and no $_") for grep { $_ ne 'STATUS' } @items;

$l = logged('/s/cgi/app',
    'Session-Set: user=ann&role=ad%22m%0ain&USER=x&id=7');
my $env = $b->get('/s/cgi/app');
is($l->{STATUS}, 'active', 'the answer that begins one has left it active');
is($l->{$_}, $env->env("SESSION_$_"), "its $_ is that of the next request")
    for qw(HANDLE USER VERSION CREATED);
is($l->{role}, 'ad\\"m\\nin', 'a value is escaped like any other item');
is($l->{'key:role'}, $l->{role}, 'key:NAME is the key NAME');
is($l->{'key:USER'}, 'x', 'also where a fact has that name');
is($l->{id}, '7', 'and every other name is a key');

$l = logged('/s/static/1k.txt');
is($l->{USER}, 'ann', 'also for a plain file');
is($b->get('/s/static/1k.txt')->header('Vary'), undef,
    'which caches may keep all the same');
$l = logged('/named/static/none.txt');
is($l->{USER}, 'ann', 'also where the error page has no session');
$l = logged('/off/cgi/app');
is($l->{$_}, '-', "where sessions are off there is no $_") for @items;
$l = logged('/s/cgi/app', 'Session-Set: role=a%00b');
is($l->{role}, '-', 'a value with a NUL is none');
my $id = $b->cookie('sid');
$l = logged('/s/cgi/app', 'Session-Destroy: on');
is($l->{USER}, '-', 'who has logged out has left');

open my $in, '<', $log or die "$log: $!\n";
my $all = do { local $/; <$in> };
unlike($all, qr/\Q$id\E/, 'no id is in it');
SxTest::done();
