<?php
/* SPDX-License-Identifier: Apache-2.0 */
/* Runs the PHP in the body of the request: what a test has to say of PHP's
   sessions, it says in PHP. */
eval(file_get_contents('php://input'));
