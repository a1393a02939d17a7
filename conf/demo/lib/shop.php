<?php
// SPDX-License-Identifier: Apache-2.0
//
// What the shop's PHP pages share. The session is read from $_SERVER and
// written with header(); session_start() is not used and no extension needed.
declare(strict_types=1);

const PASSWORD = 'darjeeling';

/** @return string[] the Session-* lines of this response */
function sent(?string $line = null): array
{
    static $lines = [];
    if ($line !== null) {
        $lines[] = $line;
    }
    return $lines;
}

function escape(string $text): string
{
    return htmlspecialchars($text, ENT_QUOTES | ENT_SUBSTITUTE, 'UTF-8');
}

function price(int $cents): string
{
    return sprintf('€ %.2f', $cents / 100);
}

/** Reading: one variable per key of the session. */
function session_value(string $key): string
{
    return $_SERVER["SESSION_VAR_$key"] ?? '';
}

/**
 * Writing: a header line. Pairs are urlencoded, a single value is as it is.
 * header() would replace an earlier line of the same name, hence the false.
 */
function session_header(string $name, string|array $value): void
{
    $text = is_array($value) ? http_build_query($value) : $value;
    header("$name: $text", false);
    sent("$name: $text");
}

/** The teas in the cart, each with its count: the keys cart_<id>. */
function cart(): array
{
    $lines = [];
    foreach (file(__DIR__ . '/catalogue.tsv', FILE_IGNORE_NEW_LINES) as $row) {
        [$id, $name, , $cents] = explode("\t", $row);
        $count = (int) session_value("cart_$id");
        if ($count > 0) {
            $cents = (int) $cents;
            $lines[] = compact('id', 'name', 'cents', 'count');
        }
    }
    return $lines;
}

/** The same rule as in the other languages: see Shop.pm. */
function same_site(): bool
{
    $site = $_SERVER['HTTP_SEC_FETCH_SITE'] ?? null;
    $origin = $_SERVER['HTTP_ORIGIN'] ?? null;
    $here = $_SERVER['HTTP_HOST'] ?? '';
    if ($site !== null) {
        return $site === 'same-origin';
    }
    return $origin === null || $origin === "http://$here"
        || $origin === "https://$here";
}

/** Every POST ends here, as does a page that leads on: see redirect in Shop.pm. */
function redirect(string $to, string $level, string $message): never
{
    $request = "{$_SERVER['REQUEST_METHOD']} {$_SERVER['SCRIPT_NAME']}";
    session_header('Session-Flash', [$level => $message]);
    $story = implode(' | ', [$request, ...sent()]);
    header('Session-Flash: ' . http_build_query(['sent' => $story]), false);
    header("Location: $to", true, 303);
    exit;
}

function refuse(int $status, string $sentence): never
{
    http_response_code($status);
    page_top('Sorry', '');
    echo "<h1>Sorry</h1>\n<p class=\"lead\">$sentence</p>\n";
    page_end();
    exit;
}

function page_top(string $title, string $here): void
{
    header('Content-Type: text/html; charset=utf-8');
    $count = array_sum(array_column(cart(), 'count'));
    $links = [
        ['/shop.pl', 'Teas', 'Perl'],
        ['/shop.pl/cart', 'Cart', 'Perl'],
        ['/recent.sh', 'Recent', 'sh'],
        ['/account.php', 'Account', 'PHP'],
    ];
    ?>
<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title><?= $title ?> · Six Teas</title>
<link rel="stylesheet" href="/style.css">
<link rel="icon" href="/cup.svg">
<a class="skip" href="#main">Skip to the content</a>
<header class="top">
<a class="brand" href="/"><img src="/cup.svg" alt="" width="32" height="32">
Six Teas</a>
<nav aria-label="Shop"><ul>
<?php
    foreach ($links as [$to, $label, $language]) {
        $current = $to === $here ? ' aria-current="page"' : '';
        $badge = $label === 'Cart' && $count
            ? " <b class=\"badge\">$count</b>" : '';
        echo "<li><a href=\"$to\"$current>$label$badge",
            " <small>$language</small></a>\n";
    }
    echo "</ul></nav>\n</header>\n<main id=\"main\">\n";
    for ($n = 1; $n <= (int) ($_SERVER['FLASH_COUNT'] ?? 0); $n++) {
        $level = $_SERVER["FLASH_{$n}_LEVEL"] ?? '';
        if ($level !== 'sent') {
            $text = escape($_SERVER["FLASH_{$n}_TEXT"] ?? '');
            echo '<p class="flash ', escape($level), "\" role=\"status\">",
                "$text</p>\n";
        }
    }
}

function show_list(string $title, array $lines): void
{
    echo '<h4>', escape($title), "</h4>\n<ul>\n";
    foreach ($lines as $line) {
        echo '<li><code>', escape($line), "</code>\n";
    }
    echo "</ul>\n";
}

/** The foot of each page: what was answered, and what was seen. */
function page_end(): void
{
    $before = explode(' | ', $_SERVER['FLASH_sent'] ?? '');
    $script = $_SERVER['SCRIPT_NAME'];
    echo "</main>\n<footer class=\"trace\">\n<h2>What just happened</h2>\n",
        "<div class=\"columns\">\n<section>\n",
        "<h3>The app answered with headers</h3>\n";
    if (count($before) > 1) {
        $then = array_shift($before);
        show_list("$then, before the redirect (in FLASH_sent)", $before);
    }
    if (sent()) {
        show_list("GET $script, this page", sent());
    } else {
        echo "<p>This page sent none: reading a session writes nothing.</p>\n";
    }
    echo "</section>\n<section>\n<h3>It saw in its environment</h3>\n<dl>\n";
    $names = preg_grep('/^SESSION_|^FLASH_(?!sent)[a-z]+$/', array_keys($_SERVER));
    sort($names);
    foreach ($names as $name) {
        echo '<dt>', escape($name), '<dd>', escape($_SERVER[$name]), "\n";
    }
    echo "</dl>\n</section>\n</div>\n<p>Written by <b>PHP</b> under php-fpm: ",
        '<code>', escape(ltrim($script, '/')), "</code>.</p>\n",
        "</footer>\n</html>\n";
}
