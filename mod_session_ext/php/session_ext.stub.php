<?php
/* SPDX-License-Identifier: Apache-2.0 */

/** @generate-class-entries */

function session_ext_flash(string $level, string $text): bool {}

/** @return array<int, array{level: string, text: string}> */
function session_ext_flash_messages(): array {}

function session_ext_incr(string $key, int $by = 1): int|false {}

function session_ext_logout(string $which = "all"): bool {}
