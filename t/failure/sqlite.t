# SPDX-License-Identifier: Apache-2.0
# A file of SQLite fails: a table of docs/failure.md.
use SxTest;
use SxTest::Failure;

# Another program that has the file open.
package Other;

my $HOLD = <<'END';
import sqlite3, sys
there = sqlite3.connect(sys.argv[1], isolation_level=None)
there.execute("BEGIN EXCLUSIVE")
print("held", flush=True)
sys.stdin.read()
END

sub begin
{
    my ($self, $server) = @_;
    $self->{file} = $server->runtime_dir . '/sessions.db';
    return;
}

sub does
{
    my ($self, $what) = @_;
    if ($what eq 'hold') {
        pipe my $in, $self->{go} or die "pipe: $!\n";
        open my $said, '-|', 'sh', '-c', 'exec python3 -c "$0" "$1" <&"$2"',
            $HOLD, $self->{file}, _inherited($in) or die "python3: $!\n";
        close $in;
        readline($said) =~ /held/ or die "the lock was not had\n";
        $self->{said} = $said;
    }
    delete @$self{qw(go said)} if $what eq 'pass';
    return;
}

sub _inherited
{
    my ($in) = @_;
    require Fcntl;
    fcntl $in, Fcntl::F_SETFD(), 0 or die "fcntl: $!\n";
    return fileno $in;
}

package main;

my $other = bless {}, 'Other';
SxTest::Failure::check('SQLite', peer => $other, store => 'dbd', more => ['dbd'],
    conf => "DBDriver sqlite3\nDBDParams \${SX_RUN}/sessions.db\n",
    faults => { 'another program has locked it' => ['hold'] });
SxTest::done();
