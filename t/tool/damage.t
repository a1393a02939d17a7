# SPDX-License-Identifier: Apache-2.0
# The tool meets files that are no sound store: it says what is wrong, ends
# with 3, and leaves what it does not know as it was.
use SxTest;
use Digest::MD5 qw(md5_hex);
use File::Temp qw(tempdir);
use SxTest::File qw(slurp spew);
use SxTest::Tool qw(tool segment_of);

my $dir = tempdir('sxt-XXXXXX', TMPDIR => 1, CLEANUP => 1);
my @commands = qw(stats list sweep check);

# A file of the test, which nobody else may read unless it is said.
sub put
{
    my ($name, $bytes, $mode) = @_;
    return spew("$dir/$name", $bytes, $mode // 0600);
}

# Every command refuses the file with a line, and changes not a byte of it.
sub refused
{
    my ($file, $why, $label) = @_;
    my $before = -f $file ? md5_hex(slurp($file)) : '';
    my @wrong;
    for my $command (@commands, 'show', 'destroy') {
        my @handle = $command =~ /show|destroy/ ? ('0123456789abcdef') : ();
        my ($status, $out, $err) = tool($command, $file, @handle);
        push @wrong, "$command: $status, $err"
            unless $status == 3 && $err =~ /^htsession: .*$why/;
    }
    is_deeply(\@wrong, [], "$label is refused by every command");
    is(-f $file ? md5_hex(slurp($file)) : '', $before, 'and stays as it is');
    return;
}

refused("$dir/none", 'No such file', 'a file that is not there');
refused($dir, '', 'a directory');
refused(put('empty', ''), '', 'an empty file');
refused(put('text', "ServerRoot /etc/apache2\n" x 10), '', 'a short text');
refused(put('long', 'ServerName x.org' x 131072), '', 'a long one');
refused(put('zero', "\0" x (2 << 20)), '', 'a file of zeros');
srand 7;
refused(put('random', join '', map { chr int rand 256 } 1 .. 2 << 20),
    '', 'a file of random bytes');
refused(put('open', "\0" x (2 << 20), 0644), 'mode',
    'a file that others may read');

# --- parts of a real one ------------------------------------------------------
my $server = SxTest::Server->new(scopes => 1);
$server->start;
my $file = segment_of($server);
my $b = $server->browser;
$b->get('/plain/cgi/app', h => ['Session-Set: word=findmehere']);

# A byte of the value in place, as a stray write would change it.
sub flip
{
    my ($in) = @_;
    my $at = index slurp($in), 'findmehere';
    die "the value is not in $in\n" if $at < 0;
    open my $f, '+<:raw', $in or die "$in: $!\n";
    seek $f, $at, 0;
    print $f 'F';
    close $f or die "$in: $!\n";
    return;
}

$server->stop;
my $whole = slurp($file);
my $copy = put('copy', $whole);
is((tool('check', $copy))[0], 0, 'a copy of a store is sound');
refused(put('half', substr $whole, 0, length($whole) / 2), '',
    'half of a store');
refused(put('head', ("\1" x 256) . substr $whole, 256), '',
    'a store without its head');

flip(put('flipped', $whole));
my ($status, $out, $err) = tool('check', "$dir/flipped");
is($status, 3, 'a flipped bit in a copy is damage');
like($err, qr/damaged/, 'which is told');
($status, $out) = tool('check', "$dir/flipped");
is($status, 0, 'once: it was taken out');

# --- while the server runs ----------------------------------------------------
$server->start;
is($b->get('/plain/cgi/app')->env('SESSION_VAR_word'), 'findmehere',
    'the store itself is sound');
flip($file);
($status, $out, $err) = tool('check', $file);
is($status, 3, 'check finds a flipped bit under a server');
like($err, qr/^htsession: .*damaged: \S/, 'and says where');
is($b->get('/plain/cgi/app')->env('SESSION_STATUS'), 'invalid',
    'the session that was hit is none');
is((tool('check', $file))[0], 0, 'and after that the store is sound again');
SxTest::done();
