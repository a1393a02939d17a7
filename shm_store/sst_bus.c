/* SPDX-License-Identifier: Apache-2.0 */
/* See sst_bus.h.  All but watching runs in a signal handler: system calls and
 * stores, nothing of the C library that has a state. */
#include "sst_bus.h"

#include "shm_stats.h"

#include <errno.h>
#include <linux/futex.h>
#include <pthread.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#define WATCHED_MAX 64
#define PAGE_MAX    UINT64_C(65536)

static shm_store *watched[WATCHED_MAX]; /* atomic */

/* `lock` guards `listeners`, and `before` until the handler is there. */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct sigaction before;

/* Not in the handle, which is made by a parent that may be of another build. */
static struct listener {
    const shm_store *store;
    shm_store_lost *lost;
    void *baton;
} listeners[WATCHED_MAX];

static bool covers(const shm_store *store, uintptr_t address)
{
    uintptr_t base = (uintptr_t)store->base;

    return address >= base && address - base < store->map_len;
}

/* ---- giving up ---------------------------------------------------------- */

#if defined(__PTHREAD_MUTEX_HAVE_PREV) && __PTHREAD_MUTEX_HAVE_PREV
/* Where the links of lost locks lead; what is written here is never read. */
static __pthread_list_t nowhere;

static void link_to_nowhere(sst_lock_shm *of)
{
    /* By the library's rule, to the `next` of what is linked. */
    struct __pthread_internal_list *to =
        (struct __pthread_internal_list *)(void *)&nowhere.__next;

    of->mutex.__data.__list.__prev = to;
    of->mutex.__data.__list.__next = to;
}
#else
/* Such a library unlocks without a look at its neighbours. */
static void link_to_nowhere(sst_lock_shm *of)
{
    (void)of;
}
#endif

static void *private_memory(void *at, uint64_t len)
{
    return mmap(at, len, PROT_READ | PROT_WRITE,
                MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE |
                    (at != NULL ? MAP_FIXED : 0),
                -1, 0);
}

/* The pages of the locks change in one step: see sst_bus.h. */
static bool replace_locks(const shm_store *store, uint64_t len)
{
    const sst_geometry_shm *geo = &store->geo;
    unsigned char *made = private_memory(NULL, len);
    sst_shard_shm *shards;
    sst_lock_shm *commit;

    if (made == MAP_FAILED) {
        return false;
    }
    shards = (sst_shard_shm *)(void *)(made + geo->shards_off);
    commit = (sst_lock_shm *)(void *)(made + geo->commit_off);
    for (uint32_t no = 0; no < geo->nshards; no++) {
        link_to_nowhere(&shards[no].lock);
    }
    for (uint32_t no = 0; no < SST_COMMIT_LOCKS; no++) {
        link_to_nowhere(&commit[no]);
    }
    return mremap(made, len, len, MREMAP_MAYMOVE | MREMAP_FIXED, store->base) !=
           MAP_FAILED;
}

/* Twice at once, by two threads, is as good as once. */
static bool give_up(shm_store *store)
{
    /* Locks end where the page table begins, up to a page of any machine;
     * before there is a geometry there are none. */
    uint64_t locks =
        (store->geo.table_off + PAGE_MAX - 1) / PAGE_MAX * PAGE_MAX;

    /* First: who sees a zero of ours must see this, too. */
    __atomic_store_n(&store->lost, true, __ATOMIC_SEQ_CST);
    return (locks == 0 || replace_locks(store, locks)) &&
           private_memory(store->base + locks, store->map_len - locks) !=
               MAP_FAILED;
}

bool sst_bus_look(shm_store *store)
{
    struct stat st;

    if (!SST_LOAD(store->lost) && fstat(store->fd, &st) == 0 &&
        (uint64_t)st.st_size < store->file_size) {
        (void)give_up(store);
    }
    return SST_LOAD(store->lost);
}

void sst_bus_forget_locks(const shm_store *store)
{
    struct robust_list_head *head = NULL;
    size_t len = 0;

    if (syscall(SYS_get_robust_list, 0, &head, &len) != 0 || head == NULL) {
        return;
    }
    /* The lowest bit is a flag of the kernel's. */
    if (covers(store, (uintptr_t)head->list.next & ~(uintptr_t)1)) {
        head->list.next = &head->list;
    }
    if (covers(store, (uintptr_t)head->list_op_pending & ~(uintptr_t)1)) {
        head->list_op_pending = NULL;
    }
}

/* ---- who wants to know -------------------------------------------------- */

/* With the lock; a free place for NULL. */
static struct listener *listener_of(const shm_store *store)
{
    for (unsigned i = 0; i < WATCHED_MAX; i++) {
        if (listeners[i].store == store) {
            return &listeners[i];
        }
    }
    return NULL;
}

void shm_store_on_lost(shm_store *store, shm_store_lost *lost, void *baton)
{
    struct listener *place;

    pthread_mutex_lock(&lock);
    place = listener_of(store);
    place = place != NULL ? place : listener_of(NULL);
    if (place != NULL) {
        *place = (struct listener){store, lost, baton};
    }
    pthread_mutex_unlock(&lock);
}

bool shm_store_is_lost(const shm_store *store)
{
    return SST_LOAD(store->lost);
}

void sst_bus_tell(const shm_store *store)
{
    const struct listener *place;
    struct listener told = {0};

    pthread_mutex_lock(&lock);
    place = listener_of(store);
    told = place != NULL ? *place : told;
    pthread_mutex_unlock(&lock);
    if (told.lost != NULL) {
        told.lost(told.baton);
    }
}

/* ---- the signal --------------------------------------------------------- */

static shm_store *find(uintptr_t address)
{
    for (unsigned i = 0; i < WATCHED_MAX; i++) {
        shm_store *store = __atomic_load_n(&watched[i], __ATOMIC_ACQUIRE);

        if (store != NULL && covers(store, address)) {
            return store;
        }
    }
    return NULL;
}

/* As if we were not there.  Where nobody handles it, the default action comes
 * with the same instruction again, or, if somebody has sent it, by sending. */
static void pass_on(int number, siginfo_t *info, void *context)
{
    bool sent = info->si_code <= 0;

    if (before.sa_flags & SA_SIGINFO) {
        before.sa_sigaction(number, info, context);
    }
    else if (before.sa_handler != SIG_DFL && before.sa_handler != SIG_IGN) {
        before.sa_handler(number);
    }
    else if (before.sa_handler == SIG_DFL || !sent) {
        (void)sigaction(number, &(struct sigaction){.sa_handler = SIG_DFL},
                        NULL);
        if (sent) {
            (void)raise(number);
        }
    }
}

static void on_bus(int number, siginfo_t *info, void *context)
{
    int error = errno;
    /* BUS_ADRERR: there is nothing behind the address. */
    shm_store *store =
        info->si_code == BUS_ADRERR ? find((uintptr_t)info->si_addr) : NULL;

    if (store == NULL || !give_up(store)) {
        pass_on(number, info, context);
    }
    errno = error;
}

static bool is_ours(const struct sigaction *action)
{
    return (action->sa_flags & SA_SIGINFO) && action->sa_sigaction == on_bus;
}

static void install(void)
{
    struct sigaction ours = {.sa_sigaction = on_bus,
                             .sa_flags = SA_SIGINFO | SA_ONSTACK},
                     now;

    sigemptyset(&ours.sa_mask);
    pthread_mutex_lock(&lock);
    if (sigaction(SIGBUS, NULL, &now) == 0 && !is_ours(&now)) {
        before = now;
        (void)sigaction(SIGBUS, &ours, NULL);
    }
    pthread_mutex_unlock(&lock);
}

/* A library that is unloaded leaves no handler behind. */
__attribute__((destructor)) static void uninstall(void)
{
    struct sigaction now;

    if (sigaction(SIGBUS, NULL, &now) == 0 && is_ours(&now)) {
        (void)sigaction(SIGBUS, &before, NULL);
    }
}

void sst_bus_watch(shm_store *store)
{
    bool placed = find((uintptr_t)store->base) == store;

    for (unsigned i = 0; i < WATCHED_MAX && !placed; i++) {
        shm_store *none = NULL;

        placed =
            __atomic_compare_exchange_n(&watched[i], &none, store, false,
                                        __ATOMIC_SEQ_CST, __ATOMIC_RELAXED);
    }
    install();
}

void sst_bus_unwatch(const shm_store *store)
{
    struct listener *place;

    pthread_mutex_lock(&lock);
    place = listener_of(store);
    if (place != NULL) {
        *place = (struct listener){0};
    }
    pthread_mutex_unlock(&lock);
    for (unsigned i = 0; i < WATCHED_MAX; i++) {
        if (__atomic_load_n(&watched[i], __ATOMIC_RELAXED) == store) {
            __atomic_store_n(&watched[i], NULL, __ATOMIC_RELEASE);
        }
    }
}
