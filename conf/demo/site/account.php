<?php
// SPDX-License-Identifier: Apache-2.0
//
// Log-in and the customer's own page.
declare(strict_types=1);
require __DIR__ . '/../lib/shop.php';

/** A demo: any name will do, and the password is printed on the page. */
function log_in(): never
{
    $name = $_POST['name'] ?? '';
    $password = $_POST['password'] ?? '';
    if (!is_string($name) || !preg_match('/\A[^\p{C}]{1,40}\z/u', $name)
        || trim($name) === '') {
        redirect('/account.php', 'warning',
            'Please give a name of up to forty characters.');
    }
    if (!is_string($password) || !hash_equals(PASSWORD, $password)) {
        redirect('/account.php', 'warning', 'That is not the password.');
    }
    $name = trim($name);
    // "user" is the key that means "logged in": as it appears, the server
    // gives the session a new id. What was in the cart stays in the cart.
    session_header('Session-Set', ['user' => $name]);
    $to = cart() ? '/checkout.php' : '/account.php';
    redirect($to, 'success', "Welcome, $name.");
}

if ($_SERVER['REQUEST_METHOD'] === 'POST') {
    same_site() || refuse(403, 'That form came from another site.');
    log_in();
}

$user = $_SERVER['SESSION_USER'] ?? '';
page_top('Account', '/account.php');
if ($user === '') {
    ?>
<h1>Log in</h1>
<p class="lead">Any name will do. The password is
<b><?= PASSWORD ?></b>.</p>
<form method="post" action="/account.php" class="fields">
<label for="name">Name</label>
<input id="name" name="name" maxlength="40" required autocomplete="nickname">
<label for="password">Password</label>
<input id="password" name="password" type="password" required
autocomplete="off">
<button>Log in</button>
</form>
<?php
} else {
    $orders = (int) session_value('orders');
    $began = gmdate('H:i', (int) $_SERVER['SESSION_CREATED']);
    $ends = gmdate('H:i', (int) $_SERVER['SESSION_EXPIRES']);
    ?>
<h1><?= escape($user) ?></h1>
<dl class="facts">
<dt>Orders <dd><?= $orders ?: 'none yet' ?>
<?php if ($orders) { ?>
<dt>The last one <dd><?= escape(session_value('last_order')) ?>
<?php } ?>
<dt>Session <dd>began at <?= $began ?> UTC, ends at <?= $ends ?> UTC at the
latest, or after half an hour without a click
</dl>
<form method="post" action="/logout.sh"><button>Log out</button>
<span class="quiet-note">That button belongs to a shell script.</span></form>
<?php
}
page_end();
