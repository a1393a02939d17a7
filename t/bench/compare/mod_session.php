<?php
/* SPDX-License-Identifier: Apache-2.0 */
/* The app on httpd's own mod_session, whatever keeps the sessions: the whole
   session is in HTTP_SESSION, and the whole session is answered. */
require 'common.php';

function session(): array
{
    parse_str($_SERVER['HTTP_SESSION'] ?? '', $session);
    return $session;
}

function keep(array $session): void
{
    header('X-Replace-Session: ' . http_build_query($session));
}

function show(array $session): void
{
    say($session['user'] ?? null, $session['n'] ?? null);
}

function login(): void
{
    keep(['user' => 'alice', 'n' => 0]);
    show([]);
}

function read(): void
{
    show(session());
}

function add(): void
{
    $session = session();
    work();
    keep(['n' => ($session['n'] ?? 0) + 1] + $session);
    show($session);
}

function late(): void
{
    $session = session();
    stand_at($_GET['wait']);
    keep(['late' => 1] + $session);
    show($session);
}

function logout(): void
{
    keep([]);
    show([]);
}

run();
