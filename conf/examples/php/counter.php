<?php
// SPDX-License-Identifier: Apache-2.0
declare(strict_types=1);

$before = $_SERVER['SESSION_VAR_visits'] ?? '0';

header('Session-Incr: visits=1');
header('Content-Type: text/plain');
echo "Visits before this one: $before\n";
