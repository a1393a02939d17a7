/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What every file of the session core shares: limits, byte strings, clocks and
 * the log hook.  The core is C11 on APR and libsodium; it knows nothing of
 * httpd, so that the tool, the tests and the PHP extension use the same code.
 *
 * Errors. Functions that can only fail on their caller's input return NULL or
 * a constant English reason.  What a store or a commit answers has types of
 * its own (sx_store.h, sx_commit.h).  Memory is of the pool passed last; pools
 * abort the process when memory is out, as httpd's do.
 *
 * Threads. Nothing here has state of its own but the log hook, which is set
 * once before threads exist.  An object may be used by one thread at a time
 * unless its header says more.
 */
#ifndef SX_H
#define SX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>
#include <apr_pools.h>

#define SX_KEY_MAX      128     /* bytes of a data key's name */
#define SX_KEYS_MAX     1024    /* data keys of one session */
#define SX_COMMANDS_MAX 1048576 /* bytes of commands in one response */
#define SX_LEVEL_MAX    32      /* bytes of a flash level's name */
#define SX_FLASH_MAX    32      /* flash messages of one session */
#define SX_FLASH_BYTES  8192    /* bytes of all flash texts of one session */

#define SX_STORE_KEY_LEN 32 /* what a store sees instead of an id */
#define SX_SECRET_LEN    32 /* a secret key, and every key derived from one */

/* Bytes with a length: may hold NUL; never NULL when len > 0. */
typedef struct sx_str {
    const char *p;
    size_t len;
} sx_str;

/* One reading of both clocks, taken by the caller.  Decisions use `boot_ms`
 * (CLOCK_BOOTTIME or, for stores that hosts share, the store's clock); what is
 * shown to people uses `wall_s`. */
typedef struct sx_now {
    int64_t boot_ms;
    int64_t wall_s;
} sx_now;

static inline int64_t sx_min64(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

static inline int64_t sx_max64(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

/** Microseconds since this host's boot, sleep included, and of a clock that no
 *  step of the wall clock moves, for how long something takes. */
int64_t sx_boot_us(void);
int64_t sx_monotonic_us(void);

/** The moment in ${ms} milliseconds, on that second clock (CLOCK_MONOTONIC),
 *  for who waits until then. */
struct timespec sx_monotonic_in(int64_t ms);

sx_str sx_str_of(const char *z);
bool sx_str_eq(sx_str a, sx_str b);
/** Copy into ${pool}, with a NUL behind it. */
sx_str sx_str_dup(sx_str s, apr_pool_t *pool);

/** Is ${s} a canonical decimal int64 ("0", "-7", no "+7", "007", "-0")?
 *  Then its value is in ${out}. */
bool sx_parse_int64(sx_str s, int64_t *out);

/** ${n} in decimal, as sx_parse_int64 reads it, with a NUL behind it.  Several
 *  times faster than a format, and run for every request. */
sx_str sx_int64_str(int64_t n, apr_pool_t *pool);
sx_str sx_uint64_str(uint64_t n, apr_pool_t *pool);

/** ${len} bytes as twice as many hex digits, in lower case, and a NUL. */
char *sx_hex(const void *bytes, size_t len, char *hex);
/** And back: false if ${hex} is not just so many digits, of either case. */
bool sx_unhex(const char *hex, size_t len, void *bytes);

typedef enum sx_log_level { SX_LOG_ERR, SX_LOG_WARN, SX_LOG_INFO } sx_log_level;
typedef void sx_log_fn(sx_log_level level, const char *message);

/** Where core messages go; nowhere until set.  Call before threads exist. */
void sx_log_set(sx_log_fn *fn);
/** One message, printf style.  Never an id, a data key or a value. */
void sx_log(sx_log_level level, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

#endif
