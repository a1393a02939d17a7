# SPDX-License-Identifier: Apache-2.0
# Sessions in each store there is: CPU of httpd and of the store's server for a
# request, and bytes for a session, with a model of them that is held to what was
# measured.
package Bench::Backends;
use strict;
use warnings;
use List::Util qw(sum0);
use POSIX qw(ceil);
use SxTest::Progress;
use SxTest::Server;
use SxTest::Stores;
use lib __FILE__ =~ s|[^/]+/[^/]+\z||r;
use Bench::Backends::Kinds;
use Bench::Cpu;
use Bench::Machine;
use Bench::Table;

my %full = (sessions => 1000, clients => 8, seconds => 2, rounds => 5,
    sizes => [200, 1024, 8192], weighed => 2000);
my %quick = (sessions => 20, clients => 2, seconds => 1, rounds => 1,
    sizes => [200, 1024, 8192], weighed => 100);

# ---- servers -----------------------------------------------------------------

sub scope
{
    my ($name, $spec, $more) = @_;
    return "<Location /$name/>\nSessionExt On\nSessionExtStore $spec\n"
        . "SessionExtMaxSize 64k\n$more</Location>\n";
}

# mod_headers plays the app: it is the cheapest one there is.
sub conf
{
    my ($store, $sizes) = @_;
    my $spec = $store->spec;
    my $make = sub {
        my ($bytes) = @_;
        return scope("make$bytes", $spec, 'Header set Session-Set "n=0&d='
            . 'v' x $bytes . "\"\n");
    };
    return "LogLevel warn\nKeepAlive On\nMaxKeepAliveRequests 0\n"
        . $store->conf
        . scope('sx', $spec, '')
        . scope('sxw', $spec, "Header set Session-Incr \"n=1\"\n")
        . scope('check', $spec, "Header set X-N \"%{SESSION_VAR_n}e\"\n")
        . join '', map { $make->($_) } @$sizes;
}

sub start
{
    my ($kind, $size) = @_;
    my $store = SxTest::Stores->start($kind->{store});
    my $server = SxTest::Server->new(mpm => 'event', $store->options,
        conf => conf($store, $size->{sizes}));
    $store->put_keys($server);
    $server->start;
    return {%$kind, server => $server, store => $store,
        beside => $store->beside};
}

sub stop
{
    my ($kind) = @_;
    $_->stop for @$kind{qw(server store)};
    return;
}

# ---- sessions ----------------------------------------------------------------

# A store may still have to be opened, or be slow for a moment.
sub cookie
{
    my ($kind, $path) = @_;
    for (1 .. 50) {
        my $got = $kind->{server}->browser->get($path);
        return $1 if ($got->header('Set-Cookie') // '') =~ /^([^;]+)/;
        select undef, undef, undef, 0.1;
    }
    die "$kind->{name}: no session is made at $path\n";
}

sub cookies
{
    my ($kind, $bytes, $count) = @_;
    return map { cookie($kind, "/make$bytes/static/1k.txt") } 1 .. $count;
}

sub counter
{
    my ($kind, $cookie) = @_;
    return $kind->{server}->browser->get('/check/static/1k.txt',
        header => {Cookie => $cookie})->header('X-N') // -1;
}

# ---- bytes -------------------------------------------------------------------

# Bytes for a session of each size.
sub weigh
{
    my ($kind, $size) = @_;
    return unless $kind->{bytes};
    my %bytes;
    for my $data (@{$size->{sizes}}) {
        my $before = $kind->{bytes}->(@$kind{qw(server beside store)});
        cookies($kind, $data, $size->{weighed});
        $bytes{$data} = ($kind->{bytes}->(@$kind{qw(server beside store)})
            - $before) / $size->{weighed};
    }
    return \%bytes;
}

# ---- CPU ---------------------------------------------------------------------

sub wrk
{
    my ($kind, $size, $path, $file) = @_;
    my $lua = __FILE__ =~ s{lib/Bench/[^/]+\z}{cookies.lua}r;
    my $port = $kind->{server}->port;
    my @pids = map { $_ // () } $kind->{server}->pid, $kind->{store}->pid;
    my @cpu = map { Bench::Cpu::of_tree($_) } @pids;
    my $log = length $kind->{server}->error_log;
    open my $pipe, '-|', 'wrk', '-t1', "-c$size->{clients}",
        "-d$size->{seconds}s", '-s', $lua, "http://127.0.0.1:$port", '--',
        $path, $file or die "wrk: $!\n";
    my ($line) = grep { /^RESULT/ } <$pipe>;
    close $pipe;
    my (undef, $requests, $us, $errors) = split ' ', $line // '';
    die "$kind->{name}: no request of $path was answered\n" unless $requests;
    my @spent = map { Bench::Cpu::of_tree($_) } @pids;
    my @each = map { ($spent[$_] - $cpu[$_]) / $requests / 1e3 } 0 .. $#pids;
    return {httpd => $each[0], beside => $each[1] // 0, asked => $requests,
        rate => $requests / $us * 1e6,
        errors => $errors + ($log != length $kind->{server}->error_log)};
}

my @cases = (['bare', '/bare/static/1k.txt'], ['read', '/sx/static/1k.txt'],
    ['write', '/sxw/static/1k.txt']);

sub prepare
{
    my ($kind, $size) = @_;
    my $root = $kind->{server}->root;
    $kind->{cookies} = [cookies($kind, 1024, $size->{sessions})];
    open my $out, '>', "$root/cookies" or die "$root/cookies: $!\n";
    print $out map { "$_\n" } @{$kind->{cookies}};
    close $out or die "$root/cookies: $!\n";
    return;
}

# Increments that were answered and are not there.  In cookies they are where
# the client is, and this one keeps none.
sub lost
{
    my ($kind) = @_;
    return 0 if $kind->{name} eq 'cookie';
    my $asked = sum0 map { $_->{asked} } @{$kind->{got}{write}};
    my $there = sum0 map { counter($kind, $_) } @{$kind->{cookies}};
    return $asked > $there ? $asked - $there : 0;
}

sub measure
{
    my ($opt) = @_;
    my $size = $opt->{quick} ? \%quick : \%full;
    my @kinds = grep { !$opt->{quick} || $_->{quick} }
        Bench::Backends::Kinds::all();
    @kinds = grep { $_->{name} =~ /$opt->{only}/ } @kinds
        if defined $opt->{only};
    die "no store's name matches '$opt->{only}'\n" unless @kinds;
    $_->{absent} = Bench::Backends::Kinds::lacking($_) for @kinds;
    my @here = map { $_->{absent} ? () : start($_, $size) } @kinds;
    for my $kind (@here) {
        progress("$kind->{name}: bytes");
        $kind->{weight} = weigh($kind, $size);
        prepare($kind, $size);
    }
    for my $round (1 .. $size->{rounds}) {
        progress("round $round of $size->{rounds}");
        for my $kind (@here) {
            push @{$kind->{got}{$_->[0]}}, wrk($kind, $size, $_->[1],
                $kind->{server}->root . '/cookies') for @cases;
        }
    }
    for my $kind (@here) {
        $kind->{lost} = lost($kind);
        stop($kind);
    }
    my %here = map { $_->{name} => $_ } @here;
    return ($size, map { $here{$_->{name}} // $_ } @kinds);
}

# ---- tables ------------------------------------------------------------------

sub figure
{
    my ($kind, $case, $what) = @_;
    return median(map { $_->{$what} } @{$kind->{got}{$case}});
}

# In each round for itself: what this case costs httpd over the bare file.
sub over
{
    my ($kind, $case) = @_;
    my ($it, $bare) = @{$kind->{got}}{$case, 'bare'};
    return median(map { $it->[$_]{httpd} - $bare->[$_]{httpd} } 0 .. $#$it);
}

sub cpu_row
{
    my ($kind) = @_;
    return [$kind->{name}, $kind->{absent}, ('-') x 7] if $kind->{absent};
    my @errors = map { $_->{errors} } map { @$_ } values %{$kind->{got}};
    return [$kind->{name}, map({
        my $case = $_;
        (sprintf('%+.1f', over($kind, $case)),
            sprintf('%.1f', figure($kind, $case, 'beside')),
            sprintf('%.0f', figure($kind, $case, 'rate')))
    } qw(read write)), sum0(@errors), $kind->{lost}];
}

sub cpu_table
{
    return table(['', 'read: httpd, us', 'its server, us', 'requests/s',
        'write: httpd, us', 'its server, us', 'requests/s', 'errors', 'lost'],
        map { cpu_row($_) } @_);
}

# A line through the smallest and the largest size: A + B x data.
sub line
{
    my ($weight) = @_;
    my ($least, $most) = (sort { $a <=> $b } keys %$weight)[0, -1];
    my $slope = ($weight->{$most} - $weight->{$least}) / ($most - $least);
    my $base = $weight->{$least} - $slope * $least;
    return (sprintf('%.0f + %.2f x data', $base, $slope),
        sub { $base + $slope * $_[0] });
}

# Whole blocks of a file: what a record adds is known, about 300 bytes.
sub blocks
{
    my ($block) = @_;
    return ("blocks of $block for 300 + data",
        sub { $block * ceil((300 + $_[0]) / $block) });
}

# The model in words, and as code: bytes for a session with so much data.
sub model
{
    my ($kind) = @_;
    return $kind->{block} ? blocks($kind->{block}) : line($kind->{weight});
}

# How far off it is at the size in the middle.
sub off
{
    my ($kind, $predict) = @_;
    my $middle = (sort { $a <=> $b } keys %{$kind->{weight}})[1];
    return $predict->($middle) / $kind->{weight}{$middle} - 1;
}

sub bytes_table
{
    my ($sizes, @kinds) = @_;
    my @rows;
    for my $kind (grep { $_->{weight} } @kinds) {
        my ($words, $predict) = model($kind);
        push @rows, [$kind->{name},
            map({ sprintf '%.0f', $kind->{weight}{$_} } @$sizes),
            $words, sprintf('%+.0f %%', 100 * off($kind, $predict))];
    }
    return table(['', map({ "$_ B" } @$sizes), 'model', 'at the middle'],
        @rows);
}

# Requests a second by so many microseconds of one core.
sub rate
{
    my ($us) = @_;
    return $us > 0 ? sprintf '%.0f', 1e6 / $us : '-';
}

# What follows for many sessions of 1 KB: bytes by the model, and requests by the
# CPU that each takes of a core of httpd, the bare file included, and of a core
# of the store's server.
sub capacity_table
{
    my @rows;
    for my $kind (grep { !$_->{absent} } @_) {
        my $predict = $kind->{weight} && (model($kind))[1];
        my @gib = map {
            $predict ? sprintf('%.3g', $predict->(1024) * $_ / 2**30) : '-'
        } 1e6, 1e7, 1e8;
        my @rates = map {
            (rate(figure($kind, $_, 'httpd')), rate(figure($kind, $_, 'beside')))
        } qw(read write);
        push @rows, [$kind->{name}, @gib, @rates];
    }
    return table(['', 'GiB: 1 M sessions', '10 M', '100 M',
        'reads/s, core of httpd', 'of its server', 'writes/s, core of httpd',
        'of its server'], @rows);
}

# Sentences about what must not be.
sub faults
{
    my (@kinds) = @_;
    return map { "$_->{name}: $_->{lost} answered increments are not there" }
        grep { $_->{lost} } @kinds;
}

sub section
{
    my ($opt, $command) = @_;
    my $begin = time;
    my $machine = Bench::Machine::before();
    my ($size, @kinds) = measure($opt);
    my $text = cpu_table(@kinds) . "\n"
        . "Bytes for a session with so many bytes of data:\n\n"
        . bytes_table($size->{sizes}, @kinds)
        . "\nWhat follows for many sessions of 1 KB, and for each core:\n\n"
        . capacity_table(@kinds)
        . Bench::Machine::after($machine, time - $begin, $command);
    return ($text, faults(@kinds));
}

1;
