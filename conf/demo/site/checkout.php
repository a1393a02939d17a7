<?php
// SPDX-License-Identifier: Apache-2.0
//
// The check-out: it empties a cart that a Perl script has filled.
declare(strict_types=1);
require __DIR__ . '/../lib/shop.php';

/**
 * The form carries the version of the session that the customer looked at. If
 * anything has changed since, in another tab or by a second click, the server
 * applies none of these headers and answers 409 in our place.
 */
function place_order(array $lines): never
{
    $version = $_POST['version'] ?? '';
    if (!is_string($version) || !preg_match('/\A[1-9]\d{0,18}\z/', $version)) {
        refuse(400, 'That form did not come from this page.');
    }
    $words = array_map(fn ($l) => "{$l['count']} × {$l['name']}", $lines);
    $keys = array_map(fn ($l) => "cart_{$l['id']}", $lines);
    session_header('Session-If-Version', $version);
    session_header('Session-Unset', implode(', ', $keys));
    session_header('Session-Set', ['last_order' => implode(', ', $words)]);
    session_header('Session-Incr', ['orders' => 1]);
    redirect('/account.php', 'success', 'Ordered. The kettle is on.');
}

$lines = cart();
$user = $_SERVER['SESSION_USER'] ?? '';
$post = $_SERVER['REQUEST_METHOD'] === 'POST';
if ($post && !same_site()) {
    refuse(403, 'That form came from another site.');
}
if (!$lines) {
    redirect('/shop.pl/cart', 'info', 'There is nothing to check out.');
}
if ($user === '') {
    redirect('/account.php', 'info', 'Please log in to order.');
}
if ($post) {
    place_order($lines);
}

$sum = 0;
page_top('Check out', '');
?>
<h1>Check out</h1>
<table class="cart">
<thead><tr><th scope="col">Tea<th scope="col">Count<th scope="col"
class="sum">Price</thead>
<?php
foreach ($lines as $line) {
    $cost = $line['count'] * $line['cents'];
    $sum += $cost;
    echo "<tr><th scope=\"row\">{$line['name']}<td>{$line['count']}",
        '<td class="sum">', price($cost), "\n";
}
?>
<tfoot><tr><th scope="row" colspan="2">Total<td class="sum"><?= price($sum) ?>
</tfoot>
</table>
<form method="post" action="/checkout.php">
<input type="hidden" name="version"
value="<?= escape($_SERVER['SESSION_VERSION'] ?? '') ?>">
<p><button>Order as <?= escape($user) ?></button></p>
</form>
<p class="quiet-note">Try this: <a href="/shop.pl/lapsang" target="_blank">open
another tea in a new tab</a>, come back and press the button. The session is no
longer the one this page has shown, so nothing is ordered.</p>
<?php
page_end();
