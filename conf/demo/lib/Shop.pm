# SPDX-License-Identifier: Apache-2.0
#
# What the shop's Perl pages share. A session needs no library: it is read
# from %ENV and written by printing header lines. All strings are bytes.
package Shop;

use strict;
use warnings;
use Exporter 'import';

our @EXPORT = qw(catalogue session_value cart form same_site
    session_header redirect page_top page_end escape price);

my @sent;    # the Session-* lines of this response

sub escape {
    my ($text) = @_;
    my %entity = ('&' => 'amp', '<' => 'lt', '>' => 'gt', '"' => 'quot');
    $text =~ s/([&<>"])/&$entity{$1};/g;
    return $text;
}

sub encode {
    my ($text) = @_;
    $text =~ s/([^A-Za-z0-9._* -])/sprintf '%%%02X', ord $1/ge;
    $text =~ tr/ /+/;
    return $text;
}

sub decode {
    my ($text) = @_;
    $text =~ tr/+/ /;
    $text =~ s/%([0-9A-Fa-f]{2})/chr hex $1/ge;
    return $text;
}

sub price { return sprintf '€ %.2f', $_[0] / 100 }

# Every tea, in the order of the shelf: {id, name, origin, price, text}.
sub catalogue {
    open my $file, '<', '../lib/catalogue.tsv' or die "catalogue: $!\n";
    my @teas;
    while (my $line = <$file>) {
        chomp $line;
        my %tea;
        @tea{qw(id name origin price text)} = split /\t/, $line;
        push @teas, \%tea;
    }
    return @teas;
}

# Reading: one variable per key of the session.
sub session_value {
    my ($key) = @_;
    return $ENV{"SESSION_VAR_$key"} // '';
}

# The teas in the cart, each with its count: the keys cart_<id>.
sub cart {
    my @lines;
    for my $tea (catalogue()) {
        my $count = session_value("cart_$tea->{id}");
        push @lines, { %$tea, count => $count } if $count =~ /^[1-9]\d*$/;
    }
    return @lines;
}

# Writing: a header line. Pairs are urlencoded, a single value is as it is.
sub session_header {
    my ($name, @value) = @_;
    my $text = shift @value;
    $text = encode($text) . '=' . encode(shift @value) if @value;
    push @sent, "$name: $text";
    return;
}

sub form {
    my $length = $ENV{CONTENT_LENGTH} || 0;
    my $body   = '';
    read STDIN, $body, $length if $length > 0 && $length <= 4096;
    my %field;
    for my $pair (split /&/, $body) {
        my ($name, $value) = split /=/, $pair, 2;
        $field{ decode($name) } = decode($value // '');
    }
    return \%field;
}

# The cookie is SameSite=Lax, so another site's form arrives without it; this
# refuses such a form outright, and one from another port of this host too.
sub same_site {
    my $site = $ENV{HTTP_SEC_FETCH_SITE};
    return $site eq 'same-origin' if defined $site;
    my $origin = $ENV{HTTP_ORIGIN};
    return !defined $origin
        || $origin =~ m{\Ahttps?://\Q$ENV{HTTP_HOST}\E\z};
}

# Every POST ends here. The message and the list of what was sent ride in the
# flash, so the page after the redirect can show both.
sub redirect {
    my ($to, $level, $message) = @_;
    session_header('Session-Flash', $level, $message);
    my $story = join ' | ', "$ENV{REQUEST_METHOD} $ENV{SCRIPT_NAME}",
        @sent;
    print "Status: 303 See Other\r\nLocation: $to\r\n";
    print "$_\r\n" for @sent, 'Session-Flash: sent=' . encode($story);
    print "Content-Type: text/plain\r\n\r\n";
    return;
}

sub nav_link {
    my ($here, $to, $label, $language) = @_;
    my $current = $here eq $to ? ' aria-current="page"' : '';
    return qq{<li><a href="$to"$current>$label <small>$language</small></a>\n};
}

# Headers, the top of the page, and the flash messages.
sub page_top {
    my ($title, $here, $status) = @_;
    print "Status: $status\r\n" if $status;
    print "$_\r\n" for @sent;
    print "Content-Type: text/html; charset=utf-8\r\n\r\n";
    my $count = 0;
    $count += $_->{count} for cart();
    my $badge = $count ? qq{ <b class="badge">$count</b>} : '';
    my $links = join '',
        nav_link($here, '/shop.pl',      'Teas',         'Perl'),
        nav_link($here, '/shop.pl/cart', "Cart$badge",   'Perl'),
        nav_link($here, '/recent.sh',    'Recent',       'sh'),
        nav_link($here, '/account.php',  'Account',      'PHP');
    print <<"HTML";
<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>$title · Six Teas</title>
<link rel="stylesheet" href="/style.css">
<link rel="icon" href="/cup.svg">
<a class="skip" href="#main">Skip to the content</a>
<header class="top">
<a class="brand" href="/"><img src="/cup.svg" alt="" width="32" height="32">
Six Teas</a>
<nav aria-label="Shop"><ul>
$links</ul></nav>
</header>
<main id="main">
HTML
    for my $n (1 .. $ENV{FLASH_COUNT} || 0) {
        my $level = $ENV{"FLASH_${n}_LEVEL"} // '';
        next if $level eq 'sent';
        printf qq{<p class="flash %s" role="status">%s</p>\n},
            escape($level), escape($ENV{"FLASH_${n}_TEXT"} // '');
    }
    return;
}

sub list {
    my ($title, @lines) = @_;
    return "<h4>" . escape($title) . "</h4>\n<ul>\n"
        . join('', map { '<li><code>' . escape($_) . "</code>\n" } @lines)
        . "</ul>\n";
}

# The foot of each page: what was answered, and what was seen.
sub page_end {
    my $page = $ENV{SCRIPT_NAME} . ($ENV{PATH_INFO} // '');
    my ($before, @then) = split / \| /, $ENV{FLASH_sent} // '';
    print qq{</main>\n<footer class="trace">\n<h2>What just happened</h2>\n};
    print qq{<div class="columns">\n<section>\n};
    print "<h3>The app answered with headers</h3>\n";
    print list("$before, before the redirect (in FLASH_sent)",
        @then) if @then;
    print list("GET $page, this page", @sent) if @sent;
    print "<p>This page sent none: reading a session writes nothing.</p>\n"
        if !@sent;
    print "</section>\n<section>\n<h3>It saw in its environment</h3>\n<dl>\n";
    for my $name (sort grep { /^SESSION_|^FLASH_(?!sent)[a-z]+$/ } keys %ENV) {
        printf "<dt>%s<dd>%s\n", escape($name), escape($ENV{$name});
    }
    print "</dl>\n</section>\n</div>\n";
    print "<p>Written by a <b>Perl</b> CGI: <code>shop.pl</code>.</p>\n";
    print "</footer>\n</html>\n";
    return;
}

1;
