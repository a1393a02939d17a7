/* SPDX-License-Identifier: Apache-2.0 */
#include "mod_sx_private.h"
#include "mod_sx_share.h"

#include <sys/mman.h>

typedef struct mapping {
    void *at;
    apr_size_t size;
} mapping;

static apr_status_t unmap(void *baton)
{
    const mapping *memory = baton;

    munmap(memory->at, memory->size);
    return APR_SUCCESS;
}

void *mod_sx_share(apr_size_t size, apr_pool_t *pool)
{
    mapping *memory = apr_palloc(pool, sizeof *memory);

    memory->size = size;
    memory->at = mmap(NULL, size, PROT_READ | PROT_WRITE,
                      MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (memory->at == MAP_FAILED)
        return NULL;
    apr_pool_cleanup_register(pool, memory, unmap, apr_pool_cleanup_null);
    return memory->at;
}
