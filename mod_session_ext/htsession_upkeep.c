/* SPDX-License-Identifier: Apache-2.0 */
/* The store as a whole: sweep, check; and keygen, which needs none. */
#include "htsession.h"

#include <inttypes.h>
#include <stdio.h>
#include <sys/stat.h>

#include "shm_stats.h"
#include "sx_keys.h"

#define SWEEP_SLICE_US 20000

/* ---- sweep, check ------------------------------------------------------- */

outcome tool_sweep(tool *t)
{
    sx_store *store = t->at.sx;
    sx_sweep_report slice = {0};
    uint64_t freed = 0;

    if (!store->ops->sweep) {
        return tool_cannot(t, "sweep", "it frees what has ended by itself");
    }
    while (!slice.finished) {
        sx_answer answer = store->ops->sweep(
            store, SWEEP_SLICE_US, store->ops->clock_ms(store), &slice);

        if (answer == SX_STORE_BUSY) {
            return tool_fail(t, "another process sweeps it already");
        }
        if (answer != SX_STORE_OK) {
            return tool_fail_answer(t, answer);
        }
        freed += slice.freed;
        if (t->terminal && !slice.finished) {
            fprintf(stderr, "\r%" PRIu64 " records freed", freed);
        }
    }
    if (t->terminal) {
        fputs("\r\033[K", stderr);
    }
    printf(t->json ? "{\"freed\": %" PRIu64 "}\n"
                   : "%" PRIu64 " ended records freed\n",
           freed);
    return DONE;
}

/* Shard after shard, to show how far it is. */
static shm_status check_shards(const tool *t, const shm_stats *stats, char *why,
                               size_t whylen)
{
    shm_status status = SST_OK;

    for (uint32_t no = 0; no < stats->shards && status == SST_OK; no++) {
        if (t->terminal) {
            fprintf(stderr, "\rshard %u of %u", no + 1, stats->shards);
        }
        status = shm_store_check_shard(t->at.segment, no, why, whylen);
    }
    if (t->terminal) {
        fputs("\r\033[K", stderr);
    }
    return status;
}

/* What attaching had to give up counts as a fault, too: the segment was
 * repaired by it and would pass. */
outcome tool_check(tool *t)
{
    shm_stats stats = {0};
    char why[200] = "";
    shm_status status = shm_store_stats(t->at.segment, &stats);
    uint64_t lost = t->at.attached.lost;

    if (status == SST_OK) {
        status = check_shards(t, &stats, why, sizeof(why));
    }
    if (status != SST_OK && status != SST_DAMAGED) {
        return tool_fail_status(t, status);
    }
    if (t->json) {
        printf("{\"ok\": %s, \"records\": %" PRIu64 ", \"lost\": %" PRIu64
               ", \"why\": ",
               status == SST_OK && lost == 0 ? "true" : "false", stats.records,
               lost);
        tool_put_json(why);
        puts("}");
    }
    else if (status == SST_OK && lost == 0) {
        printf("no fault in %" PRIu64 " records\n", stats.records);
    }
    if (status == SST_DAMAGED) {
        return tool_fail(t, "damaged: %s", why);
    }
    /* What was lost has been told when it was found. */
    return lost == 0 ? DONE : BROKEN;
}

/* ---- keygen ------------------------------------------------------------- */

outcome tool_keygen(tool *t)
{
    struct stat st;
    const char *why;

    if (lstat(t->file, &st) == 0) {
        return tool_fail(t, "exists and stays as it is; name a new file");
    }
    why = sx_keys_generate(t->file, t->pool);
    if (why) {
        fprintf(stderr, "htsession: %s\n", why);
    }
    else if (t->json) {
        fputs("{\"file\": ", stdout);
        tool_put_json(t->file);
        puts("}");
    }
    else {
        printf("%s: a new key, readable by its owner only\n", t->file);
    }
    return why ? BROKEN : DONE;
}
