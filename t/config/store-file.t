# SPDX-License-Identifier: Apache-2.0
# The file of a store is a regular file of the server's own with one name in a
# place that others cannot exchange; else httpd refuses to run and says why.
use SxTest;
use POSIX ();

my $s = SxTest::Server->new;
my $dir = $s->root . '/place';
my $file = "$dir/x.shm";

sub refused
{
    my ($what, @needles) = @_;
    my ($up, $text) = $s->try_start;
    ok(!$up, "refused at start: $what");
    my @missing = grep { index($text, $_) < 0 }
        "ShmStore 'x'", $file, @needles;
    is("@missing", '', "and the log says why: $what") or diag($text);
    $s->stop;
    return;
}

sub make
{
    my ($path, $mode) = @_;
    open my $out, '>', $path or die "$path: $!\n";
    truncate $out, 2**20;
    close $out;
    chmod $mode, $path;
    return;
}

mkdir $dir;
$s->write_conf("ShmStore x size=1m file=$file\n<Location /s/>\nSessionExt On\n"
    . "SessionExtStore shm:x\n</Location>");

make("$dir/real", 0600);
symlink "$dir/real", $file;
refused('a symbolic link', 'symbolic link', 'regular file');
unlink $file;
symlink "$dir/nowhere", $file;
refused('a symbolic link to nothing', 'symbolic link', 'regular file');
ok(!-e "$dir/nowhere", 'nothing was made at its end');
unlink $file;
link "$dir/real", $file;
refused('a file with a second name', '2 links', 'one');
unlink $file;
mkdir $file;
refused('a directory', $file);
rmdir $file;
POSIX::mkfifo($file, 0600);
refused('a pipe', 'regular file');
unlink $file;
for my $mode (qw(0660 0644 0606)) {
    make($file, oct $mode);
    refused("mode $mode", $mode, '0600');
    unlink $file;
}
chmod 0777, $dir;
refused('a directory that others write', 'writable to others');

# A link may lead to the directory, which is then judged where it really is.
rename $dir, "$dir.real";
symlink "$dir.real", $dir;
$file = "$dir.real/x.shm";
refused('a link to a directory that others write', 'writable to others');
chmod 0755, "$dir.real";

my ($up, $text) = $s->try_start;
ok($up, 'with all that mended it starts, through the link') or diag($text);
is((stat $file)[2] & 07777, 0600, 'and its file is closed to others');
SxTest::done();
