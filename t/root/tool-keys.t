# SPDX-License-Identifier: Apache-2.0
# H2: the tool of root takes a key file as the server of root does: one that
# somebody else could have written is refused, by every command that needs one.
use SxTest;
use SxTest::Tool qw(tool segment_of);

my $s = SxTest::Server->new(scopes => 1);
my $who = SxTest::Paths::test_user();
my $keys = $s->root . '/keys';
my $snap = $s->root . '/snap';

is((tool('keygen', $keys))[0], 0, 'a key file');
$s->start;
my $file = segment_of($s);
my @of = ('--namespace', 'shop', '--keys', $keys);
my %with = (
    list     => ['list', '--user', 'bert', @of, $file],
    snapshot => ['snapshot', $file, $snap, $keys],
    restore  => ['restore', '--force', $file, $snap, $keys],
);

# restore wants what snapshot has written.
for my $command (qw(list snapshot restore)) {
    my $status = (tool(@{ $with{$command} }))[0];
    is($status, $command eq 'list' ? 1 : 0, "$command takes root's own keys");
}
unlink $snap;
chown $who->{uid}, $who->{gid}, $keys;
for my $command (sort keys %with) {
    my ($status, $out, $err) = tool(@{ $with{$command} });
    is($status, 3, "$command takes no keys of the workers");
    like($err, qr/^htsession: .*\Q$keys\E.*uid $who->{uid}.*root/,
        'and says whose they are and whose are accepted');
    is($out, '', 'and nothing else');
}
ok(!-e $snap, 'and nothing was written');
SxTest::done();
