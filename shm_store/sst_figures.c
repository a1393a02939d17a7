/* SPDX-License-Identifier: Apache-2.0 */
/*
 * See sst_figures.h.  A namespace has a cell near the place that its number
 * hashes to, and keeps it: were cells given back, a record could be counted in
 * one and taken from another.  A host with more namespaces than cells counts
 * the rest together.
 */
#include "sst_figures.h"

#define PROBES 8u

static uint32_t place_of(uint32_t ns, uint32_t probe)
{
    /* The number is a hash already. */
    return (ns + probe) % SST_NS_CELLS;
}

static sst_ns_shm *cell_of(sst_figures_shm *figures, uint32_t ns)
{
    for (uint32_t i = 0; i < PROBES; i++) {
        sst_ns_shm *cell = &figures->ns[place_of(ns, i)];

        if (cell->taken != 0 && cell->ns == ns) {
            return cell;
        }
        if (cell->taken == 0) {
            SST_STORE(cell->ns, ns);
            SST_STORE(cell->taken, 1u);
            return cell;
        }
    }
    return &figures->ns[SST_NS_CELLS];
}

void sst_figures_add_locked(sst_figures_shm *figures, const sst_head *head,
                            uint64_t bytes)
{
    sst_ns_shm *cell = cell_of(figures, head->ns);

    SST_ADD(figures->records, 1);
    SST_ADD(figures->kinds[head->kind], 1);
    SST_ADD(figures->bytes_values, head->len);
    SST_ADD(figures->bytes_chunks, bytes);
    SST_ADD(cell->bytes, bytes);
    if (head->kind == SST_ANONYMOUS) {
        SST_ADD(figures->bytes_anonymous, bytes);
    }
}

void sst_figures_sub_locked(sst_figures_shm *figures, const sst_head *head,
                            uint64_t bytes)
{
    sst_ns_shm *cell = cell_of(figures, head->ns);

    SST_SUB(figures->records, 1);
    SST_SUB(figures->kinds[head->kind], 1);
    SST_SUB(figures->bytes_values, head->len);
    SST_SUB(figures->bytes_chunks, bytes);
    SST_SUB(cell->bytes, bytes);
    if (head->kind == SST_ANONYMOUS) {
        SST_SUB(figures->bytes_anonymous, bytes);
    }
}

/* Most replacements change no figure. */
void sst_figures_replace_locked(sst_figures_shm *figures, const sst_head *old,
                                uint64_t old_bytes, const sst_head *new,
                                uint64_t new_bytes)
{
    if (old->kind == new->kind && old->ns == new->ns &&
        old->len == new->len &&old_bytes == new_bytes) {
        return;
    }
    sst_figures_sub_locked(figures, old, old_bytes);
    sst_figures_add_locked(figures, new, new_bytes);
}

uint64_t sst_figures_of_ns(const sst_figures_shm *figures, uint32_t ns)
{
    for (uint32_t i = 0; i < PROBES; i++) {
        const sst_ns_shm *cell = &figures->ns[place_of(ns, i)];

        if (cell->taken == 0) {
            return 0;
        }
        if (cell->ns == ns) {
            return cell->bytes;
        }
    }
    return figures->ns[SST_NS_CELLS].bytes;
}

uint64_t sst_figures_share(shm_store *store, unsigned percent)
{
    uint64_t pages = sst_pages_now(store);

    return pages * store->geo.page_size / 100 * percent / store->geo.nshards;
}
