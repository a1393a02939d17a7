<?php
/* SPDX-License-Identifier: Apache-2.0 */
/* The app on mod_session_ext: environment in, headers out. COMPARE_ADD says how
   it adds: "incr", or a number that it has read, with Session-If-Version or
   without. */
require 'common.php';

function show(): void
{
    say($_SERVER['SESSION_USER'] ?? null, $_SERVER['SESSION_VAR_n'] ?? null);
}

function login(): void
{
    header('Session-Set: user=alice&n=0');
    show();
}

function read(): void
{
    show();
}

function add(): void
{
    $n = (int)($_SERVER['SESSION_VAR_n'] ?? 0);
    work();
    if ($_SERVER['COMPARE_ADD'] === 'incr') {
        header('Session-Incr: n=1');
    } else {
        header('Session-Set: n=' . ($n + 1));
    }
    if ($_SERVER['COMPARE_ADD'] === 'if-version') {
        header('Session-If-Version: ' . $_SERVER['SESSION_VERSION']);
    }
    show();
}

function late(): void
{
    stand_at($_GET['wait']);
    header('Session-Set: late=1');
    show();
}

function logout(): void
{
    header('Session-Destroy: on');
    show();
}

run();
