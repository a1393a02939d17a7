<?php
/* SPDX-License-Identifier: Apache-2.0 */
/* A redirect that sets a key and sends its head and half of its body, then
   waits for the file NAME.go of wait=NAME before the rest. */
$base = $_SERVER['SXTEST_BARRIERS'] . '/' . $_GET['wait'];
header('Content-Type: text/plain');
header('Session-Set: cart=3');
header('Location: /s/cgi/app', true, 302);
while (ob_get_level() > 0) {
    ob_end_clean();
}
echo str_repeat("begin of the body\n", 1000);
flush();
for ($i = 0; $i < 1500 && !file_exists("$base.go"); $i++) {
    usleep(10000);
    clearstatcache();
}
touch("$base.done");
echo "end of the body\n";
