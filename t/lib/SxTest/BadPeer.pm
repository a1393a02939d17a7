# SPDX-License-Identifier: Apache-2.0
# A peer that fails to order: a server of its own that answers nothing good, or
# a proxy in front of a real one that does to connections what networks do.
#
#   my $peer = SxTest::BadPeer->start(before => PORT or PATH);   real server
#   $peer->port                              or ->start(socket => PATH, ...)
#   $peer->does('cut', on => 'EVALSHA', times => 1);
#   $peer->seen                                 connections accepted so far
#   $peer->met                                  commands that matched so far
#
# What it does, from the moment when `does` returns, to connections that there
# are and that come:
#
#   pass     hands on (without a real server: nothing)
#   refuse   no connection is accepted, those that there are end
#   hang     no connection is answered, as behind a cable that was pulled
#   silent   takes commands, hands nothing on, and never answers
#   drop     takes a command and closes: it was not done
#   cut      hands a command on, and closes when its reply comes: it was done
#   mute     hands commands on and no reply
#   half     half of a reply, then nothing
#   slow     one byte of a reply every 50 ms
#   late     hands replies on after `ms`
#   bytes    answers each command with `bytes`
#
# With `on` only commands in which these bytes are, and what follows on their
# connection; with `skip` not the first so many of them, and with `times` so many.
package SxTest::BadPeer;
use strict;
use warnings;
use IO::Handle;
use IO::Select;
use IO::Socket::INET;
use IO::Socket::UNIX;
use POSIX qw(_exit);
use Socket qw(AF_UNIX PF_UNSPEC SOCK_STREAM);
use Time::HiRes qw(time);
use SxTest::Paths;

my $OWNER = $$;
my @live;

sub start
{
    my ($class, %self) = @_;
    my $self = bless {%self}, $class;
    $self->{port} = SxTest::Paths::free_port() unless $self->{socket};
    socketpair my $ours, my $its, AF_UNIX, SOCK_STREAM, PF_UNSPEC
        or die "socketpair: $!\n";
    $_->autoflush for $ours, $its;
    $self->{listener} = $self->listener(64);
    defined($self->{pid} = fork) or die "fork: $!\n";
    if (!$self->{pid}) {
        close $ours;
        $self->{control} = $its;
        eval { $self->serve };
        warn $@ if $@;
        _exit(1);
    }
    close delete $self->{listener};
    $self->{control} = $ours;
    push @live, $self;
    return $self->does('pass');
}

sub port { return $_[0]{port} }

sub ask
{
    my ($self, @words) = @_;
    $self->{control}->print(join("\t", @words), "\n");
    my $answer = $self->{control}->getline // die "the bad peer has died\n";
    chomp $answer;
    return $answer;
}

sub does
{
    my ($self, $mode, %how) = @_;
    $self->can("do_$mode") or die "a bad peer cannot '$mode'\n";
    $how{$_} = unpack 'H*', $how{$_} for grep { defined $how{$_} } qw(on bytes);
    $self->ask('does', $mode, %how);
    return $self;
}

sub seen { return $_[0]->ask('seen') }
sub met { return $_[0]->ask('met') }

sub stop
{
    my ($self) = @_;
    my $pid = delete $self->{pid} or return;
    kill KILL => $pid;
    waitpid $pid, 0;
    return;
}

END {
    my $status = $?;
    if ($$ == $OWNER) { $_->stop for splice @live }
    $? = $status;
}

# ---- its process -------------------------------------------------------------

sub listener
{
    my ($self, $backlog) = @_;
    return $self->unix_listener if $self->{socket};
    return IO::Socket::INET->new(LocalAddr => '127.0.0.1',
        LocalPort => $self->{port}, Proto => 'tcp', Listen => $backlog,
        ReuseAddr => 1) || die "port $self->{port}: $!\n";
}

# Open to all: whoever serves may be another user than whoever tests.
sub unix_listener
{
    my ($self) = @_;
    unlink $self->{socket};
    my $listener = IO::Socket::UNIX->new(Local => $self->{socket},
        Listen => 64) or die "$self->{socket}: $!\n";
    chmod 0777, $self->{socket};
    return $listener;
}

sub to_server
{
    my ($self) = @_;
    my $to = $self->{before} // return;
    return $to =~ m{/} ? IO::Socket::UNIX->new(Peer => $to)
        : IO::Socket::INET->new(PeerAddr => '127.0.0.1', PeerPort => $to,
            Proto => 'tcp');
}

sub serve
{
    my ($self) = @_;
    $SIG{PIPE} = 'IGNORE';
    @$self{qw(mode links later seen met skipped)} =
        ({mode => 'pass'}, [], [], 0, 0, 0);
    while (1) {
        my @of = map { $_->{client}, $_->{server} // () } @{$self->{links}};
        my $set = IO::Select->new($self->{control},
            $self->{listener} // (), @of);
        my %ready = map { $_ => 1 } $set->can_read(0.01);
        $self->speak_later;
        return if $ready{$self->{control}} && !$self->obey;
        $self->accept_one
            if $self->{listener} && $ready{$self->{listener}}
            && $self->{mode}{mode} ne 'hang';
        for my $link (@{$self->{links}}) {
            $self->from_client($link) if $ready{$link->{client}};
            $self->from_server($link)
                if $link->{server} && $ready{$link->{server}}
                && !$link->{closed};
        }
        $self->{links} = [grep { !$_->{closed} } @{$self->{links}}];
    }
    return;
}

# A line of the test's.  False: it has gone.
sub obey
{
    my ($self) = @_;
    my $line = $self->{control}->getline // return 0;
    chomp $line;
    my ($what, $mode, %how) = split /\t/, $line;
    if ($what ne 'does') {
        $self->{control}->print("$self->{$what}\n");
        return 1;
    }
    $how{$_} = pack 'H*', $how{$_} for grep { defined $how{$_} } qw(on bytes);
    $self->{mode} = {mode => $mode, %how};
    $self->{met} = $self->{skipped} = 0;
    $self->{later} = [];
    close $_ for splice @{$self->{hung} // []};
    delete $_->{caught} for @{$self->{links}};
    $self->can("begin_$mode") ? $self->${\"begin_$mode"} : $self->be_there;
    $self->{control}->print("ok\n");
    return 1;
}

sub end_link
{
    my ($self, $link) = @_;
    close $_ for grep { $_ } @$link{qw(client server)};
    $link->{closed} = 1;
    return;
}

sub be_there
{
    my ($self) = @_;
    $self->{listener} //= $self->listener(64);
    $self->{listener}->listen(64);
    return;
}

sub begin_refuse
{
    my ($self) = @_;
    $self->end_link($_) for @{$self->{links}};
    $self->{links} = [];
    close delete $self->{listener} if $self->{listener};
    return;
}

# Nobody accepts, and the queue of those who wait is full: who comes then is
# not answered at all.
sub begin_hang
{
    my ($self) = @_;
    $self->be_there;
    listen $self->{listener}, 0; # the method makes 5 of 0
    for (1 .. 3) {
        my $one = IO::Socket::INET->new(Proto => 'tcp', Blocking => 0,
            PeerAddr => '127.0.0.1', PeerPort => $self->{port});
        push @{$self->{hung}}, $one if $one;
    }
    return;
}

sub accept_one
{
    my ($self) = @_;
    my $client = $self->{listener}->accept or return;
    $self->{seen}++;
    push @{$self->{links}}, {client => $client, server => $self->to_server};
    return;
}

# ---- commands and replies ----------------------------------------------------

# Is this connection one to spoil, now that these bytes have come?
sub is_caught
{
    my ($self, $link, $bytes) = @_;
    my $mode = $self->{mode};
    return 1 if $link->{caught};
    return 0 if $mode->{mode} eq 'pass';
    return 0 if defined $mode->{on} && index($bytes, $mode->{on}) < 0;
    return 0 if defined $mode->{skip} && $self->{skipped}++ < $mode->{skip};
    return 0 if defined $mode->{times} && $self->{met} >= $mode->{times};
    $self->{met}++;
    return $link->{caught} = 1;
}

sub from_client
{
    my ($self, $link) = @_;
    my $got = sysread $link->{client}, my $bytes, 65536;
    return $self->end_link($link) unless $got;
    my $mode = $self->is_caught($link, $bytes) ? $self->{mode}{mode} : 'pass';
    $self->${\"do_$mode"}($link, $bytes);
    return;
}

sub from_server
{
    my ($self, $link) = @_;
    my $got = sysread $link->{server}, my $bytes, 65536;
    return $self->end_link($link) unless $got;
    my $mode = $link->{caught} ? $self->{mode}{mode} : 'pass';
    my $reply = $self->can("reply_$mode") // \&reply_pass;
    $self->$reply($link, $bytes);
    return;
}

sub do_pass
{
    my ($self, $link, $bytes) = @_;
    syswrite $link->{server}, $bytes if $link->{server};
    return;
}

sub do_silent { return }
sub do_hang { return }
sub do_refuse { return }
sub do_cut { goto &do_pass }
sub do_mute { goto &do_pass }
sub do_half { goto &do_pass }
sub do_slow { goto &do_pass }
sub do_late { goto &do_pass }

sub do_drop
{
    my ($self, $link) = @_;
    return $self->end_link($link);
}

sub do_bytes
{
    my ($self, $link) = @_;
    syswrite $link->{client}, $self->{mode}{bytes};
    return;
}

sub reply_pass
{
    my ($self, $link, $bytes) = @_;
    syswrite $link->{client}, $bytes;
    return;
}

sub reply_cut
{
    my ($self, $link) = @_;
    return $self->end_link($link);
}

sub reply_mute { return }
sub reply_silent { return }
sub reply_hang { return }
sub reply_bytes { return }

sub reply_half
{
    my ($self, $link, $bytes) = @_;
    syswrite $link->{client}, substr $bytes, 0, length($bytes) / 2
        unless $link->{halved}++;
    return;
}

sub reply_slow
{
    my ($self, $link, $bytes) = @_;
    my $at = time;
    push @{$self->{later}}, [$at += 0.05, $link, $_] for split //, $bytes;
    return;
}

sub reply_late
{
    my ($self, $link, $bytes) = @_;
    push @{$self->{later}}, [time + $self->{mode}{ms} / 1000, $link, $bytes];
    return;
}

sub speak_later
{
    my ($self) = @_;
    my $now = time;
    for my $one (grep { $_->[0] <= $now } @{$self->{later}}) {
        syswrite $one->[1]{client}, $one->[2] unless $one->[1]{closed};
    }
    $self->{later} = [grep { $_->[0] > $now } @{$self->{later}}];
    return;
}

1;
