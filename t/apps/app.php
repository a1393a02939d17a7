<?php
/* SPDX-License-Identifier: Apache-2.0 */
/* The app under test in PHP: it does what its query (or form body, or a header
   X-App) says and answers with its environment. $_GET would keep one of a
   repeated name. */

function instructions(): array
{
    $query = $_SERVER['QUERY_STRING'] ?? '';
    $type = $_SERVER['CONTENT_TYPE'] ?? '';
    if ($type === 'application/x-www-form-urlencoded') {
        $query .= '&' . file_get_contents('php://input');
    }
    $query .= '&' . ($_SERVER['HTTP_X_APP'] ?? '');
    $said = [];
    foreach (explode('&', $query) as $pair) {
        $parts = explode('=', $pair, 2);
        $said[urldecode($parts[0])][] = urldecode($parts[1] ?? '');
    }
    return $said;
}

function stand_at(string $name): void
{
    $base = $_SERVER['SXTEST_BARRIERS'] . '/' . $name;
    file_put_contents("$base.at", 'x', FILE_APPEND);
    for ($i = 0; $i < 1500; $i++) {
        clearstatcache();
        if (file_exists("$base.go")) {
            return;
        }
        usleep(10000);
    }
}

/* Status last: header('Location: …') would set 302 after it. */
function head(array $said): void
{
    header('Content-Type: ' . ($said['type'][0] ?? 'text/plain'));
    foreach ($said['h'] ?? [] as $line) {
        header($line, false);
    }
    foreach (array_intersect($said['tell'] ?? [], array_keys($_SERVER)) as $name) {
        header("X-Told: $name={$_SERVER[$name]}", false);
    }
    if (isset($said['status'])) {
        http_response_code((int)$said['status'][0]);
    }
}

function environment(): void
{
    $wanted = '/^(SESSION|FLASH|SEALED|HTTP_|REDIRECT_|REMOTE_USER'
        . '|REQUEST_METHOD|SCRIPT)/';
    ksort($_SERVER);
    foreach ($_SERVER as $name => $value) {
        if (preg_match($wanted, $name) && is_scalar($value)) {
            echo $name, '=', rawurlencode((string)$value), "\n";
        }
    }
}

$said = instructions();
array_map('stand_at', $said['wait'] ?? []);
foreach ($said['sleep'] ?? [] as $seconds) {
    usleep((int)(1e6 * (float)$seconds));
}
head($said);
environment();
echo 'BODY=', implode('', $said['body'] ?? []);
