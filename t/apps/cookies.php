<?php
/* SPDX-License-Identifier: Apache-2.0 */
/* Cookies by PHP's own means: `set` (NAME|VALUE|SECONDS|PATH) goes through
   setcookie(), `raw` (NAME|VALUE) through setrawcookie(); what PHP has read is
   told as JSON. */

foreach ((array)($_GET['set'] ?? []) as $spec) {
    [$name, $value, $seconds, $path] = explode('|', $spec) + ['', '', '0', ''];
    setcookie($name, $value, $seconds ? time() + (int)$seconds : 0, $path);
}
foreach ((array)($_GET['raw'] ?? []) as $spec) {
    setrawcookie(...explode('|', $spec));
}
ksort($_COOKIE);
header('Content-Type: application/json');
echo json_encode($_COOKIE, JSON_FORCE_OBJECT);
