#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
#
# The catalogue, one page per tea, and the cart, as a plain CGI.
#   GET  /shop.pl         the shelf        GET /shop.pl/<id>   one tea
#   GET  /shop.pl/cart    the cart         POST /shop.pl       change the cart
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../lib";
use Shop;

my %tea  = map { $_->{id} => $_ } catalogue();
my $path = $ENV{PATH_INFO} // '';
$path =~ s{\A/}{};

if   ($ENV{REQUEST_METHOD} eq 'POST') { change_cart(form()) }
elsif ($path eq '')                   { shelf() }
elsif ($path eq 'cart')               { show_cart() }
elsif ($tea{$path})                   { show_tea($tea{$path}) }
else                                  { missing() }

sub change_cart {
    my ($field) = @_;
    my $tea    = $tea{ $field->{tea}    // '' };
    my $action = $field->{action} // '';
    return refuse('403 Forbidden', 'That form came from another site.')
        if !same_site();
    return refuse('400 Bad Request', 'No such tea, or no such button.')
        if !$tea || $action !~ /\A(?:add|less|remove)\z/;

    my ($id, $name) = @$tea{qw(id name)};
    my $count = session_value("cart_$id") || 0;
    if ($action eq 'add') {
        # Added up by the server: two clicks at once are two cups.
        session_header('Session-Incr', "cart_$id", 1);
        return redirect('/shop.pl/cart', 'success', "$name is in your cart.");
    }
    if ($action eq 'less' && $count > 1) {
        session_header('Session-Incr', "cart_$id", -1);
        return redirect('/shop.pl/cart', 'info', "One $name less.");
    }
    session_header('Session-Unset', "cart_$id");
    return redirect('/shop.pl/cart', 'info', "$name is out of your cart.");
}

sub cup {
    my ($id) = @_;
    return <<"SVG";
<svg class="cup $id" viewBox="3 0 57 47" aria-hidden="true">
<path class="steam" d="M21 8q-3-3 0-6M28 8q-3-3 0-6M35 8q-3-3 0-6"/>
<path class="ware" d="M4 43h48q-3 3-8 3h-32q-5 0-8-3zM8 10h40v12a20 20 0 0 1-40 0zM48 14h4a6 6 0 0 1 0 12h-5"/>
<path class="brew" d="M11 15h34v7a17 17 0 0 1-34 0z"/>
</svg>
SVG
}

sub button {
    my ($id, $action, $label, $about) = @_;
    return <<"HTML";
<form method="post" action="/shop.pl">
<input type="hidden" name="tea" value="$id">
<button name="action" value="$action">$label<span class="quiet"> $about</span></button>
</form>
HTML
}

sub shelf {
    page_top('Teas', '/shop.pl');
    print qq{<h1>The shelf</h1>\n<ul class="shelf">\n};
    for my $one (catalogue()) {
        my $add  = button($one->{id}, 'add', 'Add', $one->{name});
        my $cost = price($one->{price});
        print <<"HTML";
<li>
@{[cup($one->{id})]}<h2><a href="/shop.pl/$one->{id}">$one->{name}</a></h2>
<p class="origin">$one->{origin}</p>
<div class="buy"><b>$cost</b>$add</div>
HTML
    }
    print "</ul>\n";
    page_end();
    return;
}

sub show_tea {
    my ($one) = @_;
    if ($ENV{REQUEST_METHOD} eq 'GET') {
        my $id   = $one->{id};
        my @seen = grep { $tea{$_} && $_ ne $id } split / /,
            session_value('seen');
        splice @seen, 3 if @seen > 3;
        session_header('Session-Set',  'seen', join ' ', $id, @seen);
        session_header('Session-Incr', 'views', 1);
    }
    page_top($one->{name}, '');
    my $add  = button($one->{id}, 'add', 'Add to the cart', '');
    my $cost = price($one->{price});
    print <<"HTML";
<article class="tea">
@{[cup($one->{id})]}<div>
<h1>$one->{name}</h1>
<p class="origin">$one->{origin}</p>
<p class="lead">$one->{text}</p>
<div class="buy"><b>$cost</b> for 100 g$add</div>
<p><a href="/shop.pl">Back to the shelf</a></p>
</div>
</article>
HTML
    page_end();
    return;
}

sub show_cart {
    page_top('Cart', '/shop.pl/cart');
    print "<h1>Your cart</h1>\n";
    my @lines = cart();
    if (!@lines) {
        print qq{<p class="lead">Empty, so far. <a href="/shop.pl">Choose a tea.</a></p>\n};
        return page_end();
    }
    print qq{<table class="cart">\n<thead><tr><th scope="col">Tea}
        . qq{<th scope="col">Count<th scope="col" class="sum">Price</thead>\n};
    my $sum = 0;
    for my $line (@lines) {
        my ($id, $name) = @$line{qw(id name)};
        my $cost = $line->{count} * $line->{price};
        $sum += $cost;
        print qq{<tr><th scope="row"><a href="/shop.pl/$id">$name</a>\n<td>},
            qq{<div class="count">\n},
            button($id, 'less', '−', "One $name less"),
            "<b>$line->{count}</b>\n",
            button($id, 'add', '+', "One $name more"),
            "</div>\n<td class=\"sum\">", price($cost), "\n";
    }
    print '<tfoot><tr><th scope="row" colspan="2">Total<td class="sum">',
        price($sum), "</tfoot>\n</table>\n",
        qq{<p><a class="button" href="/checkout.php">Check out</a>\n},
        qq{<span class="quiet-note">The next page is written in PHP.</span></p>\n};
    page_end();
    return;
}

sub missing { return refuse('404 Not Found', 'No such page on this shelf.') }

sub refuse {
    my ($status, $sentence) = @_;
    page_top('Sorry', '', $status);
    print "<h1>Sorry</h1>\n<p class=\"lead\">$sentence</p>\n",
        qq{<p><a href="/shop.pl">To the shelf</a></p>\n};
    page_end();
    return;
}
