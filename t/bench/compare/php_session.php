<?php
/* SPDX-License-Identifier: Apache-2.0 */
/* The app on PHP's own sessions, as its manual shows them. COMPARE_INI names the
   handler: NAME=VALUE, separated by blanks. */
require 'common.php';

/* False, and the answer is 500, where the handler could not open it. */
function opened(): bool
{
    foreach (explode(' ', $_SERVER['COMPARE_INI']) as $line) {
        ini_set(...explode('=', $line, 2));
    }
    $open = @session_start();
    if (!$open) {
        fail(error_get_last()['message'] ?? 'session_start() failed');
    }
    return $open;
}

function show(): void
{
    say($_SESSION['user'] ?? null, $_SESSION['n'] ?? null);
}

function login(): void
{
    if (opened()) {
        session_regenerate_id(true);
        $_SESSION = ['user' => 'alice', 'n' => 0];
        show();
    }
}

function read(): void
{
    if (opened()) {
        show();
    }
}

function add(): void
{
    if (opened()) {
        $n = $_SESSION['n'] ?? 0;
        work();
        $_SESSION['n'] = $n + 1;
        show();
    }
}

function late(): void
{
    if (opened()) {
        stand_at($_GET['wait']);
        $_SESSION['late'] = 1;
        show();
    }
}

function logout(): void
{
    if (opened()) {
        $_SESSION = [];
        setcookie(session_name(), '', 1, '/');
        session_destroy();
        show();
    }
}

run();
