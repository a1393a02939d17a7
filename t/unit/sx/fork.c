/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Processes that were forked from one, as httpd's children are, never make the
 * same random bytes: neither ids nor the nonces of seals, of which a second use
 * under one key would tell what was sealed.
 */
#include <apr_general.h>
#include <sys/wait.h>
#include <unistd.h>
#include "sx_id.h"
#include "sx_seal.h"
#include "tap.h"

#define CHILDREN 8
#define EACH     4000
#define NONCE    24
#define AT_NONCE 1 /* behind the format byte */

typedef struct made {
    unsigned char nonce[NONCE];
    char id[SX_ID_LEN];
} made;

static made all[CHILDREN * EACH];
static apr_pool_t *pool;

static void make_one(made *one, const sx_id_scope *scope)
{
    static const unsigned char key[SX_SECRET_LEN];
    sx_str nothing = {"", 0};
    sx_str sealed = sx_seal(key, nothing, nothing, pool);
    sx_id id;

    memcpy(one->nonce, sealed.p + AT_NONCE, NONCE);
    sx_id_mint(&id, scope);
    memcpy(one->id, id.text, SX_ID_LEN);
}

static void child(const sx_id_scope *scope, int start, int out)
{
    char go;

    if (read(start, &go, 1) != 0)
        _exit(1);
    for (int i = 0; i < EACH; i++) {
        made one;

        make_one(&one, scope);
        apr_pool_clear(pool);
        if (write(out, &one, sizeof one) != sizeof one)
            _exit(1);
    }
    _exit(0);
}

/* All that the children made, in whatever order it came. */
static size_t gather(const sx_id_scope *scope)
{
    int start[2], out[2];
    size_t got = 0;

    if (pipe(start) != 0 || pipe(out) != 0)
        return 0;
    for (int i = 0; i < CHILDREN; i++) {
        if (fork() == 0) {
            close(start[1]);
            child(scope, start[0], out[1]);
        }
    }
    close(start[0]);
    close(start[1]);
    close(out[1]);
    while (got < sizeof all) {
        ssize_t n = read(out[0], (char *)all + got, sizeof all - got);

        if (n <= 0)
            break;
        got += (size_t)n;
    }
    while (wait(NULL) > 0)
        ;
    return got / sizeof *all;
}

static int by_nonce(const void *a, const void *b)
{
    return memcmp(((const made *)a)->nonce, ((const made *)b)->nonce, NONCE);
}

static int by_id(const void *a, const void *b)
{
    return memcmp(((const made *)a)->id, ((const made *)b)->id, SX_ID_LEN);
}

static int doubles(int (*order)(const void *, const void *))
{
    int count = 0;

    qsort(all, CHILDREN * EACH, sizeof *all, order);
    for (size_t i = 1; i < CHILDREN * EACH; i++)
        count += order(&all[i - 1], &all[i]) == 0;
    return count;
}

int main(void)
{
    static const unsigned char kids[] = {1};
    unsigned char secret[1][SX_SECRET_LEN];
    sx_id_scope scope = {NULL, "sid", "localhost"};
    made before;

    apr_initialize();
    apr_pool_create(&pool, NULL);
    ok(sx_crypto_init(), "the library starts");
    sx_random(secret, sizeof secret);
    scope.keys = sx_keys_from_memory(
        kids, (const unsigned char(*)[SX_SECRET_LEN])secret, 1);
    /* So that there is a state that could be inherited. */
    make_one(&before, &scope);
    is_int(gather(&scope), CHILDREN * EACH, "eight children make as many each");
    is_int(doubles(by_nonce), 0, "no nonce is made twice");
    is_int(doubles(by_id), 0, "no id is made twice");
    apr_terminate();
    return done_testing();
}
