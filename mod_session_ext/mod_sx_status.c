/* SPDX-License-Identifier: Apache-2.0 */
#include "mod_sx_private.h"
#include "mod_sx_status.h"

#include "apr_optional_hooks.h"
#include "mod_status.h"
#include "mod_sx_attach.h"
#include "mod_sx_kind.h"
#include "shm_stats.h"

/* Set once per process, before its threads. */
static uint64_t *shared;

void mod_sx_counters_set(uint64_t *counters)
{
    shared = counters;
}

void mod_sx_count(mod_sx_counter counter, uint64_t n)
{
    if (shared && n)
        __atomic_fetch_add(&shared[counter], n, __ATOMIC_RELAXED);
}

static void begin(request_rec *r, int flags, const char *title)
{
    if (!(flags & AP_STATUS_SHORT))
        ap_rvputs(r, "<hr />\n<h2>", ap_escape_html(r->pool, title),
                  "</h2>\n<dl>\n", NULL);
}

static void row(request_rec *r, int flags, const char *group, const char *name,
                uint64_t value)
{
    if (flags & AP_STATUS_SHORT)
        ap_rprintf(r, "%s%s: %" APR_UINT64_T_FMT "\n", group, name, value);
    else
        ap_rprintf(r, "<dt>%s: <b>%" APR_UINT64_T_FMT "</b></dt>\n", name,
                   value);
}

static void end(request_rec *r, int flags)
{
    if (!(flags & AP_STATUS_SHORT))
        ap_rputs("</dl>\n", r);
}

static void show_counters(request_rec *r, int flags)
{
    static const char *const what[] = {
#define X(name, text) text,
        MOD_SX_COUNTERS(X)
#undef X
    };
    static const char *const names[] = {
#define X(name, text) #name,
        MOD_SX_COUNTERS(X)
#undef X
    };

    begin(r, flags, "Sessions");
    for (int i = 0; i < MOD_SX_COUNTER_COUNT; i++)
        row(r, flags, "SessionExt-",
            flags & AP_STATUS_SHORT ? names[i] : what[i],
            __atomic_load_n(&shared[i], __ATOMIC_RELAXED));
    end(r, flags);
}

static void show_store(request_rec *r, int flags, const mod_sx_segment *store)
{
    shm_stats stats;
    shm_upkeep_stats upkeep;
    const char *group =
        apr_pstrcat(r->pool, "ShmStore-", store->conf->name, "-", NULL);

    if (shm_store_stats(store->segment, &stats) != SST_OK ||
        shm_store_upkeep(store->segment, shm_store_clock_ms(), &upkeep) !=
            SST_OK)
        return;
    begin(r, flags,
          apr_pstrcat(r->pool, "Session store ", store->conf->name, NULL));
    row(r, flags, group, "records", stats.records);
    row(r, flags, group, "size", stats.size);
    row(r, flags, group, "pages", stats.pages);
    row(r, flags, group, "pages_free", stats.pages_free);
    row(r, flags, group, "bytes_free", stats.bytes_free);
    row(r, flags, group, "bytes_values", stats.bytes_values);
    row(r, flags, group, "bytes_wasted", stats.bytes_wasted);
#define X(name, what) row(r, flags, group, #name, stats.name);
    SHM_STORE_COUNTERS(X)
#undef X
    row(r, flags, group, "busy", stats.busy);
    row(r, flags, group, "get_p99_ns",
        shm_latency_quantile(&stats.latency[SST_OP_GET], 990));
    row(r, flags, group, "put_p99_ns",
        shm_latency_quantile(&stats.latency[SST_OP_PUT], 990));
    row(r, flags, group, "cleanup_behind_ms", (uint64_t)upkeep.behind_ms);
    end(r, flags);
}

typedef struct page {
    request_rec *r;
    int flags;
    const char *group;
} page;

static void tell(void *baton, const char *name, uint64_t value)
{
    const page *at = baton;

    row(at->r, at->flags, at->group, name, value);
}

static void tell_breaker(const sx_breaker_figures *figures, page *at)
{
#define X(name, what)                                                          \
    tell(at, #name, atomic_load_explicit(&figures->name, memory_order_relaxed));
    SX_BREAKER_FIGURES(X)
#undef X
}

static void show_kind(request_rec *r, int flags, const mod_sx_segment *store)
{
    page at = {
        r, flags,
        apr_pstrcat(r->pool, "SessionExtStore-", store->conf->name, "-", NULL)};

    begin(r, flags,
          apr_pstrcat(r->pool, "Session store ", store->conf->name, NULL));
    if (store->conf->kind->figures)
        store->conf->kind->figures(store, tell, &at);
    if (store->breaker)
        tell_breaker(store->breaker, &at);
    end(r, flags);
}

static int show(request_rec *r, int flags)
{
    const mod_sx_server *main_conf = mod_sx_server_of(ap_server_conf);

    if (!shared)
        return DECLINED;
    show_counters(r, flags);
    for (int i = 0; i < main_conf->segments->nelts; i++) {
        const mod_sx_segment *store =
            &APR_ARRAY_IDX(main_conf->segments, i, mod_sx_segment);
        if (store->conf->kind && (store->conf->kind->figures || store->breaker))
            show_kind(r, flags, store);
        else if (store->segment && mod_sx_attached(store))
            show_store(r, flags, store);
    }
    return OK;
}

int mod_sx_status_register(apr_pool_t *pconf, apr_pool_t *plog,
                           apr_pool_t *ptemp)
{
    (void)plog;
    (void)ptemp;
    (void)pconf;
    APR_OPTIONAL_HOOK(ap, status_hook, show, NULL, NULL, APR_HOOK_MIDDLE);
    return OK;
}
