# SPDX-License-Identifier: Apache-2.0
# C10: kill -9 in the middle of a commit leaves the old value or the new one,
# whole, never a third. Only workers are killed that hold a lock of the store.
# Each commit writes one digit into keys that fill many chunks, so a mixture
# would show; mod_headers says what to write, so that most work is commits.
use SxTest;
use SxTest::Segment;
use SxTest::Storm;
use Time::HiRes qw(time);

my $KILLS = $ENV{SXTEST_LONG} ? 60 : 10;
my $PARTS = 24;
my $LENGTH = 4000;

# /s/write/N writes the digit N into every part.
sub writer
{
    my ($digit) = @_;
    my $value = $digit x $LENGTH;
    return qq{Alias "/s/write/$digit" "\${SX_T}/htdocs/static/1k.txt"\n}
        . qq{<Location "/s/write/$digit">\n}
        . join('', map { qq{Header add Session-Set "p$_=$value"\n} }
            1 .. $PARTS)
        . "</Location>\n";
}

my $s = SxTest::Storm::server(conf => <<"END" . join '', map { writer($_) } 0 .. 9);
$SxTest::Storm::CONF
ShmStore sessions size=16m
<Location "/s/">
    SessionExt On
    SessionExtEncrypt Off
    SessionExtMaxSize 256k
    SessionExtRenewInterval 0
    SessionExtEnv @{[map { "p$_" } 1 .. $PARTS]}
</Location>
END
my $APP = SxTest::Storm::app();
my $file = $s->runtime_dir . '/session_ext-sessions.shm';

# The digit that all parts hold, 'none' without a session, or 'a mixture'.
sub digit_of
{
    my ($r) = @_;
    return 'no session' unless defined $r->env('SESSION_VAR_p1');
    my $digit = substr $r->env('SESSION_VAR_p1'), 0, 1;
    my $whole = $digit x $LENGTH;
    my @same = grep { ($r->env("SESSION_VAR_p$_") || '') eq $whole }
        1 .. $PARTS;
    return @same == $PARTS ? $digit : 'a mixture';
}

# Asks until somebody answers who lives.
sub look
{
    my ($b) = @_;
    my $end = time + 5;
    while (time < $end) {
        my $r = $b->get($APP);
        return digit_of($r) if $r->status == 200 && !$r->error;
    }
    return 'no answer';
}

sub client
{
    my %stat = (wrong => [], commits => 0, lost => 0);
    my ($b, $old) = ($s->browser, undef);
    until (SxTest::Storm::is_over($s)) {
        my $new = int rand 10;
        my $r = $b->get("/s/write/$new");
        $stat{commits}++;
        if ($r->status == 200) {
            $old = $new;
            next if rand() > 0.02;
        }
        else {
            $stat{lost}++;
            next unless defined $old;
        }
        my $seen = look($b);
        push @{ $stat{wrong} }, "$seen instead of $old or $new"
            if $seen ne $old && $seen ne $new;
        $old = $seen;
    }
    push @{ $stat{wrong} }, 'at the end: ' . look($b)
        if defined $old && look($b) ne $old;
    return \%stat;
}

$s->start;
$s->browser->get('/s/write/0');
my ($killed, @stats) = SxTest::Storm::rage_inside($s, $KILLS, $file,
    (\&client) x 3);
is($killed, $KILLS, "$KILLS workers died inside the store");
is(join('; ', map { @{ $_->{wrong} } } @stats), '',
    'each commit was there as a whole or not at all');
my ($commits, $lost) = (0, 0);
for my $stat (@stats) {
    $commits += $stat->{commits};
    $lost += $stat->{lost};
}
cmp_ok($lost, '>', 0, "$lost of $commits commits lost their worker");
cmp_ok(SxTest::Segment::counter($file, 'owner_deaths'), '>', 0,
    'shards were repaired by the next owner of their lock');
is(SxTest::Segment::fault($file), '', 'the segment is sound');
SxTest::done();
