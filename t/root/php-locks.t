# SPDX-License-Identifier: Apache-2.0
# The module and PHP have one store's file open in one process, and a lock there
# says that it is inside, on which an upgrade relies. PHP is asked for another
# store than it has, again and again, and takes nobody's lock away.
use SxTest;
use SxTest::Php qw($SCOPE);

plan(skip_all => 'the PHP extension is not built')
    if !-e SxTest::Paths::php_extension();
my $s = SxTest::Server->new(scopes => 1, php_ini => '', conf => <<"CONF");
ShmStore shop size=2m
$SCOPE
<Location "/q/">
    SessionExt On
    SessionExtPHP On
    SessionExtStore shm:shop
</Location>
CONF
$s->start;
if ($s->{fpm}) {
    $s->{fpm}->stop;
    $s->{fpm}->start;
}

# The processes that are inside the store, by the kernel's list of locks.
sub inside
{
    my ($store) = @_;
    my $inode = (stat $s->runtime_dir . "/session_ext-$store.shm")[1];
    open my $in, '<', '/proc/locks' or die "/proc/locks: $!\n";
    my %pid = map { /POSIX +ADVISORY +READ +(\d+) \S+:$inode 3 3$/ ? ($1 => 1)
        : () } <$in>;
    return sort keys %pid;
}

sub ask
{
    my ($scope) = @_;
    return $s->browser->post("/$scope/php/run.php", content =>
        'ob_start(); var_dump(session_start()); echo getmypid();')->body;
}

my %used;
for (1 .. 30) {
    ask('p') =~ /^bool\(true\)\n(\d+)$/ and $used{$1} = 1;
}
ok(scalar keys %used, 'PHP has sessions in the store that is its');
my %before = map { $_ => 1 } inside('sessions');
my @missing = grep { !$before{$_} } keys %used;
is("@missing", '', 'and is inside it');
my $refused = 0;
for (1 .. 60) {
    $refused += ask('q') =~ /is not the one that the server uses/;
}
is($refused, 60, 'another one it has not, and says so');
my %after = map { $_ => 1 } inside('sessions');
my @lost = grep { !$after{$_} } sort keys %before;
is("@lost", '', 'and whoever was inside the one still is');
is(scalar(grep { ask('p') =~ /^bool\(true\)/ } 1 .. 20), 20,
    'which serves on');
SxTest::done();
