# SPDX-License-Identifier: Apache-2.0
# A storm: clients that work until the weather is over, and somebody who kills
# random workers meanwhile.
package SxTest::Storm;

use strict;
use warnings;

use Time::HiRes qw(sleep time);
use SxTest;
use SxTest::Segment;

# Enough workers that somebody always listens: httpd looks once a second
# whether there are too few.
our $CONF = <<'END';
<IfModule !mpm_prefork_module>
    MinSpareThreads 64
</IfModule>
<IfModule mpm_prefork_module>
    MinSpareServers 12
</IfModule>
END

# mod_cgid's daemon is no better than httpd makes it: it turns requests away
# while a graceful restart replaces it, and dies of SIGPIPE when it answers a
# worker that was killed. So threaded servers run their app under php-fpm.
sub app { return SxTest::mpm() eq 'prefork' ? '/s/cgi/app' : '/s/php/app.php' }

sub server
{
    my (%opt) = @_;
    return SxTest::Server->new(php => 1,
        start => SxTest::mpm() eq 'prefork' ? 12 : 4, %opt);
}

sub _flag { return $_[0]->root . '/barriers/over' }

sub is_over { return -e _flag($_[0]) }

sub _kill_some
{
    my ($s, $kills) = @_;
    my $done = 0;
    my $end = time + 20 + $kills;
    while ($done < $kills && time < $end) {
        my @workers = $s->children;
        # The last ones stay, so that what is measured is ours.
        $done += kill KILL => $workers[int rand @workers] if @workers > 2;
        sleep 0.1 + rand 0.2;
    }
    return $done;
}

# The process of this thread, or undef if it is gone.
sub _process_of
{
    my ($thread) = @_;
    open my $in, '<', "/proc/$thread/status" or return undef;
    my ($pid) = map { /^Tgid:\s+(\d+)/ ? $1 : () } readline $in;
    return $pid;
}

# Stops who seems to hold a lock; who still holds it then, being stopped, dies.
sub _kill_one_holder
{
    my ($holders, %workers) = @_;
    my ($thread) = $holders->() or return 0;
    my $pid = _process_of($thread);
    return 0 unless $pid && $workers{$pid} && kill STOP => $pid;
    my $caught = grep { $_ == $thread } $holders->();
    kill $caught ? 'KILL' : 'CONT', $pid;
    return $caught ? 1 : 0;
}

# Kills only workers that are inside the store.
sub _kill_holders
{
    my ($s, $kills, $file) = @_;
    my $done = 0;
    my $end = time + 20 + $kills;
    my $holders;
    while ($done < $kills && time < $end) {
        my @workers = $s->children;
        $holders ||= SxTest::Segment::holders($file);
        my $pause = time + 0.2;
        if (@workers > 2) {
            my %worker = map { $_ => 1 } @workers;
            my $hit = 0;
            $hit = _kill_one_holder($holders, %worker)
                until $hit || time > $pause;
            $done += $hit;
        }
        sleep 0.1;
    }
    return $done;
}

# Lets $killer and the clients loose; what each returned.
sub _rage
{
    my ($s, $killer, @clients) = @_;
    return SxTest::parallel(1 + @clients, sub {
        my ($i) = @_;
        return $clients[$i - 1]->() if $i;
        my $done = $killer->();
        open my $flag, '>', _flag($s) or die "the storm has no end: $!\n";
        return $done;
    });
}

# How many were killed, and what each client returned.
sub rage
{
    my ($s, $kills, @clients) = @_;
    return _rage($s, sub { _kill_some($s, $kills) }, @clients);
}

# The same, but it kills who holds a lock in the store's file.
sub rage_inside
{
    my ($s, $kills, $file, @clients) = @_;
    return _rage($s, sub { _kill_holders($s, $kills, $file) }, @clients);
}

1;
