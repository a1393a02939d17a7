/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Nonces: random bytes that no two values have alike, and that need not be
 * secret.  A thread draws them from the system a few dozen at a time, since to
 * ask for each costs as much as a fourth of sealing a session.
 *
 * A process that is forked begins with none, so it shares none with its parent.
 * (A virtual machine that is copied while it runs has some of them twice: under
 * one key only if both copies then write one session, within as many writes.)
 * Any thread.
 */
#ifndef SX_NONCE_H
#define SX_NONCE_H

#include "sx.h"

#define SX_NONCE_LEN 24

/** ${len} bytes, at most SX_NONCE_LEN. */
void sx_nonce(unsigned char *nonce, size_t len);

#endif
