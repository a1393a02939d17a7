# SPDX-License-Identifier: Apache-2.0
# A file of SQLite fails: a table of docs/failure.md.
use SxTest;
use SxTest::Failure;

# Another program that has the file open.
package Other;
use IPC::Open2 qw(open2);

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
        $self->{pid} = open2($self->{said}, $self->{go}, 'python3', '-c', $HOLD,
            $self->{file});
        readline($self->{said}) =~ /held/ or die "the lock was not had\n";
    }
    if ($what eq 'pass' && $self->{pid}) {
        close $self->{go};
        waitpid delete $self->{pid}, 0;
    }
    return;
}

package main;

my $other = bless {}, 'Other';
SxTest::Failure::check('SQLite', peer => $other, store => 'dbd', more => ['dbd'],
    conf => "DBDriver sqlite3\nDBDParams \${SX_RUN}/sessions.db\n",
    faults => { 'another program has locked it' => ['hold'] });
SxTest::done();
