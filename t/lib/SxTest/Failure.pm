# SPDX-License-Identifier: Apache-2.0
# The tables of docs/failure.md, each row made: a store fails in that way, and
# what client, app and log see is what the page says, or the test fails and shows
# the row as it should be.
#
#   SxTest::Failure::check('Redis', store => WORD, conf => TEXT, peer => ...,
#       more => [MODULES], faults => { ROW => [MODE, HOW] }, is_proxied => 1)
#
# The peer does(MODE, HOW) until it does('pass'): a SxTest::BadPeer in front of the
# real server (is_proxied), or whatever can be broken.  A request that finds out
# may take `first_ms`, and it is back within `back_s`.  Of a client that has no
# deadline `held` says of faults how many may meet them at one time and how many
# of those are kept, until their connection ends; `write` is in the command that
# writes, if another comes first.
# All rows are made with event, or by turns with those of `mpms`; where each takes
# seconds only those that `short` names, unless SXTEST_LONG is set.
package SxTest::Failure;
use strict;
use warnings;
use IO::Select;
use Test::More;
use Time::HiRes qw(sleep time);
use SxTest;
use SxTest::Keys;

my $PAGE = 'docs/failure.md';
my $STATUS = '`SESSION_STATUS`';
my @COLUMNS = ($STATUS, 'a write', 'with `503`', 'an end', 'log');
my $APP = '/kept/cgi/app';
my $STRICT = '/strict/cgi/app';
my $BACK_S = 5;
my $OPEN_MS = 20;    # a request while nobody is asked
my $FIRST_MS = 1500; # one of those that find out
my $STUCK_S = 1;     # then a circuit breaker lets nobody in behind those inside

# Rows of answers to a write: the app has loaded its session when it begins, and
# the next command is the write.
my %AT_WRITE = (
    'the answer to one write is lost'      => ['cut', times => 1],
    'one write is not delivered'           => ['drop', times => 1],
    'every answer from a write on is lost' => ['cut'],
);

# ---- the page ----------------------------------------------------------------

sub cells { return map { s/^\s+|\s+$//gr } split /\|/, $_[0] =~ s/^\|//r }

# [fault, {column => cell}]... of a section.
sub rows
{
    my ($section) = @_;
    my $file = "$ENV{SXTEST_SRC}/$PAGE";
    open my $in, '<', $file or die "$PAGE: $!\n";
    my ($here, @rows) = '';
    while (my $line = <$in>) {
        chomp $line;
        $here = $1 if $line =~ /^## (.*)/;
        next if $here ne $section || $line !~ /^\|(?!-)/;
        my ($fault, @cells) = cells($line);
        next if $fault eq 'fault';
        my %cell;
        @cell{@COLUMNS} = @cells;
        push @rows, [$fault, \%cell];
    }
    return @rows;
}

sub line
{
    my ($fault, $cell) = @_;
    return join ' | ', "| $fault", map { $cell->{$_} // '' } @COLUMNS;
}

# ---- the server --------------------------------------------------------------

sub conf
{
    my ($self) = @_;
    return <<"END";
ServerLimit 1
MinSpareThreads 1
MaxRequestWorkers 16
SessionExtKeyFile run/keys
$self->{conf}
<Location "/server-status">
    SetHandler server-status
</Location>
<Location "/kept/">
    SessionExt On
    SessionExtStore $self->{store}
</Location>
<Location "/strict/">
    SessionExt On
    SessionExtStore $self->{store}
    SessionExtOnStoreError 503
</Location>
END
}

sub new
{
    my ($class, %self) = @_;
    my $self = bless { conf => '', more => [], back_s => $BACK_S,
        held => {}, %self }, $class;
    my $conf = $self->conf;
    # A process finds out by itself, so there is one.
    $conf =~ s/^(?:ServerLimit|M\w+) .*\n//gm if SxTest::mpm() eq 'prefork';
    $self->{server} = SxTest::Server->new(scopes => 1, start => 1,
        more => $self->{more}, conf => $conf);
    SxTest::Keys::put($self->{server}->runtime_dir . '/keys',
        SxTest::Keys::line(1));
    $self->{server}->start;
    $self->{peer}->begin($self->{server}) if $self->{peer}->can('begin');
    $self->{b} = $self->{server}->browser;
    # Without a user: who has one has an epoch, which is asked for, too.
    $self->{b}->get($APP, h => ['Session-Set: n=0']);
    is($self->state_of($self->{b}), 'active', "$self->{section}: a session begins");
    return $self;
}

sub state_of { return $_[1]->get($APP)->env('SESSION_STATUS') // '-' }
sub does { my ($self, @how) = @_; return $self->{peer}->does(@how) }
sub mark { return $_[0]{server}->log_mark }
sub said { return $_[0]{server}->error_log_since($_[1]) }

# Under prefork each process finds out by itself that the store is back.
sub number
{
    my ($self) = @_;
    my $end = time + $self->{back_s};
    while (time < $end) {
        my $n = $self->{b}->get($APP)->env('SESSION_VAR_n');
        return $n if defined $n;
        sleep 0.05;
    }
    die "the store is not back\n";
}

# How long it takes until the app sees its session again; undef: too long.
sub back_after
{
    my ($self) = @_;
    my $began = time;
    while (time - $began < $self->{back_s}) {
        return time - $began if $self->state_of($self->{b}) eq 'active';
        sleep 0.02;
    }
    return;
}

# Each process of prefork has found out.
sub settle
{
    my ($self) = @_;
    my ($row, $end) = (0, time + 10);
    return if SxTest::mpm() ne 'prefork';
    while ($row < 24 && time < $end) {
        $row = $self->state_of($self->{b}) eq 'active' ? $row + 1 : 0;
    }
    return;
}

# ---- one row -----------------------------------------------------------------

# "200, kept": what the client is told of an increment, and what became of it.
sub outcome
{
    my ($self, $status, $before) = @_;
    my $more = $self->number - $before;
    return "$status, " . ($more == 1 ? 'kept' : $more ? "$more times" : 'lost');
}

sub reasons
{
    my ($text) = @_;
    my %said;
    $said{$1}++ while $text =~ /(?:asked|reached|lost|full)\W+
        (unavailable|busy|reply\ lost)\b/gx;
    $said{full}++ if $text =~ /store is full/;
    return join(', ', sort keys %said) || '-';
}

sub median { my @by = sort { $a <=> $b } @_; return $by[@by / 2] }

sub unanswered
{
    my @all = @_;
    my $set = IO::Select->new(map { $_->{wire}{sock} } @all);
    my %answered = map { $_ => 1 } $set->can_read(0);
    return grep { !$answered{ $_->{wire}{sock} } } @all;
}

# Of so many who come at one time so many are kept, and no answer is in sight.
sub hold
{
    my ($self, $fault) = @_;
    my ($come, $kept) = @{ $self->{held}{$fault} // [0, 0] };
    my @all = map { $self->{b}->clone->start($APP) } 1 .. $come;
    sleep $STUCK_S + 0.2 if $come;
    my @held = unanswered(@all);
    is(scalar @held, $kept, "$fault: of $come who ask $kept wait") if $come;
    return @held;
}

# The end of their connections is an answer, too.
sub let_go
{
    my ($self, $fault, @held) = @_;
    $self->does('refuse') if @held;
    is($_->finish->env('SESSION_STATUS'), 'unavailable',
        "$fault: until the connection ends") for @held;
    return;
}

# While it lasts: what each request gets, and when.
sub under
{
    my ($self, $fault, $seen) = @_;
    my $b = $self->{b};
    my ($longest, %state) = 0;
    my @held = $self->hold($fault);
    for (1 .. 6) {
        my $r = $b->get($APP);
        $longest = 1000 * $r->elapsed if 1000 * $r->elapsed > $longest;
        $state{ $r->env('SESSION_STATUS') // 'answer ' . $r->status }++;
    }
    $seen->{$STATUS} = join ' ', map { "`$_`" } sort keys %state;
    cmp_ok($longest, '<', $self->{first_ms} // $FIRST_MS,
        "$fault: who finds out does not wait long");
    $seen->{told} = $b->get($APP, h => ['Session-Incr: n=1'])->status;
    $seen->{'with `503`'} = $b->get($STRICT)->status;
    my $leaver = delete $self->{leaver};
    $seen->{'an end'} = $leaver->get($APP, h => ['Session-Destroy: on'])->status;
    $seen->{'an end'} .= ', cookie deleted' if !defined $leaver->cookie('sid');
    if ($state{unavailable}) {
        my $usual = median(map { 1000 * $b->get('/kept/ssi/env.shtml')->elapsed }
            1 .. 15);
        cmp_ok($usual, '<', $OPEN_MS, "$fault: then nobody waits");
    }
    $self->let_go($fault, @held);
    return;
}

sub make_row
{
    my ($self, $fault) = @_;
    my $before = $self->number;
    my $mark = $self->mark;
    my $id = $self->{b}->cookie('sid');
    my %seen;
    $self->{leaver} = $self->{server}->browser;
    $self->{leaver}->get($APP, h => ['Session-Set: n=0']);
    $self->does(@{ $self->{faults}{$fault} });
    $self->under($fault, \%seen);
    $seen{log} = reasons($self->said($mark));
    $self->does('pass');
    my $back = $self->back_after;
    ok(defined $back, "$fault: then it is over in "
        . (defined $back ? sprintf '%.1f s', $back : 'too long'));
    is($self->{b}->cookie('sid'), $id, "$fault: the cookie was not touched");
    $seen{'a write'} = $self->outcome($seen{told}, $before);
    return \%seen;
}

# The commands that write.
sub of_write { return $_[0]{write} ? (on => $_[0]{write}) : () }

sub make_write_row
{
    my ($self, $fault) = @_;
    $self->settle;
    my $before = $self->number;
    my $mark = $self->mark;
    my $writer = $self->{b}->start($APP, wait => 'door',
        h => ['Session-Incr: n=1']);
    SxTest::reached('door');
    $self->does(@{ $AT_WRITE{$fault} }, $self->of_write);
    SxTest::release('door');
    my $status = $writer->finish->status;
    my $text = $self->said($mark);
    $self->does('pass');
    $self->back_after;
    my %seen = ((map { $_ => '-' } @COLUMNS), log => reasons($text));
    $seen{'a write'} = $text =~ /in doubt/ ? "$status, in doubt"
        : $self->outcome($status, $before);
    return \%seen;
}

sub row
{
    my ($self, $fault, $wanted) = @_;
    my $seen = $AT_WRITE{$fault} ? $self->make_write_row($fault)
        : $self->{faults}{$fault} ? $self->make_row($fault)
        : die "no test knows the fault '$fault'\n";
    is(line($fault, $seen), line($fault, $wanted),
        "$self->{section}: $fault: as the page says");
    return;
}

# ---- who meets ---------------------------------------------------------------

# One connection dies with a command on it; who comes meanwhile has others.
sub beside_a_dead_one
{
    my ($self) = @_;
    my $other = $self->{server}->browser;
    $other->get($APP, h => ['Session-Set: n=0']);
    my $stuck = $self->{b}->start($APP, wait => 'door',
        h => ['Session-Set: x=1']);
    SxTest::reached('door');
    $self->does('mute', times => 1);
    SxTest::release('door');
    my $end = time + 1;
    sleep 0.005 while time < $end && !$self->{peer}->met;
    my $usual = median(map { 1000 * $other->get($APP)->elapsed } 1 .. 5);
    cmp_ok($usual, '<', 150, "nobody waits behind another's dead connection");
    $self->does('refuse') if %{ $self->{held} };
    is($stuck->finish->status, 200, 'whose own request is answered');
    $self->does('pass');
    $self->back_after;
    return;
}

# Of what a client does: what was confirmed, and what was not.
sub count
{
    my ($self) = @_;
    my ($sure, $doubt) = (0, 0);
    my $own = $self->{b}->clone;
    for (1 .. 8) {
        my $told = $own->get($STRICT, h => ['Session-Incr: n=1'])->status;
        $told == 200 ? $sure++ : $doubt++;
    }
    return "$sure $doubt";
}

# Clients that count, while some answers are lost.
sub counting
{
    my ($self) = @_;
    $self->settle;
    my $before = $self->number;
    my ($sure, $doubt) = (0, 0);
    # One that costs seconds comes when some are confirmed, and once.
    my $once = $self->{back_s} > $BACK_S;
    for my $round (1 .. ($once ? 1 : 6)) {
        $self->does('cut', times => 1, skip => $once ? 4 : 0, $self->of_write);
        for (SxTest::parallel(3, sub { return $self->count })) {
            my ($yes, $perhaps) = split;
            $sure += $yes;
            $doubt += $perhaps;
        }
    }
    $self->does('pass');
    $self->back_after;
    my $got = $self->number - $before;
    ok($sure && $got >= $sure && $got <= $sure + $doubt,
        "of $sure increments that were confirmed and $doubt that were not there "
        . "are $got");
    return;
}

# What the status page has of it behind all that.  Under prefork each process
# finds out by itself, and perhaps none has had reason to give the store up.
sub figures
{
    my ($self) = @_;
    return if SxTest::mpm() eq 'prefork';
    my $page = $self->{server}->browser->get('/server-status?auto')->body;
    my %figure = $page =~ /^SessionExtStore-\S.*-(\w+): (\d+)$/mg;
    is(join(' ', grep { !$figure{$_} } qw(opened rejected probes)), '',
        'the status page has counted');
    return;
}

# ---- all ---------------------------------------------------------------------

# Threads or processes make no difference: the first and the last are enough.
sub rows_of_mpm
{
    my ($count, @mpms) = @_;
    my ($turn) = grep { $mpms[$_] eq SxTest::mpm() } 0 .. $#mpms;
    return defined $turn ? grep { $_ % @mpms == $turn } 0 .. $count - 1
        : (0, -1);
}

sub check
{
    my ($section, %how) = @_;
    my $self = __PACKAGE__->new(section => $section, %how);
    my @rows = rows($section);
    my %on_page = map { $_->[0] => 1 } @rows;
    is(join(' | ', grep { !$on_page{$_} } sort keys %{ $self->{faults} }), '',
        "$section: the page has all that the test can do");
    if ($how{short} && !$ENV{SXTEST_LONG}) {
        my %short = map { $_ => 1 } @{ $how{short} };
        @rows = grep { delete $short{$_->[0]} } @rows;
        is(join(' | ', sort keys %short), '', "$section: the page has these, too");
    }
    @rows = @rows[rows_of_mpm(scalar @rows, @{ $how{mpms} // ['event'] })];
    $self->row(@$_) for @rows;
    if ($how{is_proxied}) {
        $self->counting;
        $self->figures;
    }
    $self->beside_a_dead_one
        if $how{is_proxied} && SxTest::mpm() ne 'prefork';
    $self->{server}->stop;
    return;
}

1;
