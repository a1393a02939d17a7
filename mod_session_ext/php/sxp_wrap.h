/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Four functions of PHP's session module, run with a note of which one it is:
 * a save handler is not told whether a session is opened only to be read, nor
 * who destroys it, nor can it let session_write_close() fail.
 */
#ifndef SXP_WRAP_H
#define SXP_WRAP_H

/** At the module's start and end. */
void sxp_wrap_begin(void);
void sxp_wrap_end(void);

#endif
