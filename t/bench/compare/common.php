<?php
/* SPDX-License-Identifier: Apache-2.0 */
/* What the PHP apps of the comparison share: each names the function that does
   what it was asked, and calls run(). */

/* The time an app takes between its read and its write. */
function work(): void
{
    usleep(5000);
}

/* Stops until the runner lets it go. */
function stand_at(string $name): void
{
    $base = $_SERVER['SXTEST_BARRIERS'] . '/' . $name;
    file_put_contents("$base.at", 'x', FILE_APPEND);
    for ($i = 0; $i < 3000; $i++) {
        clearstatcache();
        if (file_exists("$base.go")) {
            return;
        }
        usleep(5000);
    }
}

/* What this request saw of its session. */
function say(?string $user, ?string $n): void
{
    header('Content-Type: text/plain');
    echo "user=$user n=$n\n";
}

function fail(string $why): void
{
    http_response_code(500);
    header('Content-Type: text/plain');
    echo "$why\n";
}

function run(): void
{
    $do = $_GET['do'] ?? '';
    $known = ['login', 'read', 'add', 'late', 'logout'];
    if (in_array($do, $known, true)) {
        $do();
    } else {
        fail('do is one of ' . implode(', ', $known));
    }
}
