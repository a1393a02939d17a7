/* SPDX-License-Identifier: Apache-2.0 */
/* The switchboard of the tests of sst_fault.h; nothing in a shipped build. */
#include "sst_fault.h"

#ifdef SST_TEST_HOOKS
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#define NAME_ROOM 400

sst_test_hooks sst_test;

/* The linker's names for the ends of the section. */
extern sst_site *sites_begin[] __asm__("__start_sst_sites");
extern sst_site *sites_end[] __asm__("__stop_sst_sites");

/* A store that the next one is to come before, and what was there. */
static _Thread_local struct {
    unsigned char *at, *old;
    size_t len;
    bool next; /* the store that runs now is the next one */
} held;

/* Die here, or behind the store that has just begun. */
static _Thread_local bool dying;

/* ---- names -------------------------------------------------------------- */

static const char *base_name(const char *path)
{
    const char *slash = strrchr(path, '/');

    return slash != NULL ? slash + 1 : path;
}

static bool same_name(const sst_site *a, const sst_site *b)
{
    return strcmp(base_name(a->file), base_name(b->file)) == 0 &&
           strcmp(a->function, b->function) == 0 &&
           strcmp(a->text, b->text) == 0;
}

/* An inline function in a header is there once for each file: one site. */
static void name_of(const sst_site *site, char name[NAME_ROOM])
{
    int lines[64], before = 0;

    for (sst_site **other = sites_begin; other < sites_end; other++) {
        bool known = (*other)->line >= site->line || !same_name(*other, site);

        for (int i = 0; i < before; i++) {
            known |= lines[i] == (*other)->line;
        }
        if (!known && before < 64) {
            lines[before++] = (*other)->line;
        }
    }
    snprintf(name, NAME_ROOM, before > 0 ? "%s:%s: %s #%d" : "%s:%s: %s",
             base_name(site->file), site->function, site->text, before + 1);
}

static void list_and_end(void)
{
    for (sst_site **site = sites_begin; site < sites_end; site++) {
        char name[NAME_ROOM];

        name_of(*site, name);
        printf("%s\n", name);
    }
    fflush(stdout);
    _exit(0);
}

/* A name that is not there would be a mutant that nothing notices. */
static void pick(const char *variable, size_t flag)
{
    const char *wanted = getenv(variable);
    bool found = false;

    if (wanted == NULL) {
        return;
    }
    for (sst_site **site = sites_begin; site < sites_end; site++) {
        char name[NAME_ROOM];

        name_of(*site, name);
        if (strcmp(name, wanted) == 0) {
            ((unsigned char *)*site)[flag] = 1;
            found = true;
        }
    }
    if (!found) {
        fprintf(stderr, "%s: no such site here: %s\n", variable, wanted);
        _exit(98);
    }
}

static void note_hits(const char *path)
{
    size_t count = (size_t)(sites_end - sites_begin);
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    unsigned char *hits = MAP_FAILED;

    if (fd >= 0 && ftruncate(fd, (off_t)count) == 0) {
        hits = mmap(NULL, count, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    }
    if (hits == MAP_FAILED) {
        perror(path);
        _exit(98);
    }
    close(fd);
    for (size_t i = 0; i < count; i++) {
        sites_begin[i]->hit = &hits[i];
    }
}

__attribute__((constructor)) static void switches(void)
{
    const char *hits = getenv("SST_FAULT_HITS");

    if (getenv("SST_FAULT_LIST") != NULL) {
        list_and_end();
    }
    pick("SST_FAULT_DROP", offsetof(sst_site, drop));
    pick("SST_FAULT_SWAP", offsetof(sst_site, swap));
    if (hits != NULL) {
        note_hits(hits);
    }
}

/* ---- stores ------------------------------------------------------------- */

/* What was stored in ${at} since must stay: it is the next store's. */
static void undo_held(const void *at, size_t len)
{
    uintptr_t kept = (uintptr_t)at;

    for (size_t i = 0; i < held.len; i++) {
        uintptr_t here = (uintptr_t)(held.at + i);

        if (here < kept || here >= kept + len) {
            held.at[i] = held.old[i];
        }
    }
}

_Noreturn static void die(const void *at, size_t len)
{
    if (held.at != NULL && held.next) {
        undo_held(at, len);
    }
    /* SIGKILL runs no handler and no exit function, as the real one. */
    kill(getpid(), SIGKILL);
    _exit(99);
}

static bool is_the_end(void)
{
    /* Not exact with threads, and need not be: enumeration uses one. */
    long count = __atomic_add_fetch(&sst_test.count, 1, __ATOMIC_RELAXED);
    sst_test_deaths *note = sst_test.deaths;

    if (count == sst_test.cut_at) {
        (void)!ftruncate(sst_test.cut_fd, sst_test.cut_to);
    }
    if (note != NULL) {
        note->stores = count;
        if (held.at != NULL &&
            note->count < (long)(sizeof(note->at) / sizeof(*note->at))) {
            note->at[note->count++] = count;
        }
    }
    return count == sst_test.die_at;
}

/* ${done} bytes at ${at} are stored of what is being stored. */
static void point(const void *at, size_t done)
{
    if (is_the_end()) {
        die(at, done);
    }
}

static void hold(sst_site *site, void *at, size_t len)
{
    if (held.at != NULL) {
        held.next = true;
        return;
    }
    held.old = site->swap ? malloc(len) : NULL;
    if (held.old != NULL) {
        memcpy(held.old, at, len);
        held.at = at;
        held.len = len;
        held.next = false;
    }
}

void sst_fault_settle(void)
{
    free(held.old);
    memset(&held, 0, sizeof(held));
}

static bool enter(sst_site *site)
{
    if (site->hit != NULL) {
        __atomic_store_n(site->hit, 1, __ATOMIC_RELAXED);
    }
    return !site->drop;
}

static void leave(void)
{
    if (held.at != NULL && held.next) {
        sst_fault_settle();
    }
}

bool sst_site_begin(sst_site *site, void *at, size_t len)
{
    if (!enter(site)) {
        return false;
    }
    if (is_the_end()) {
        if (held.at == NULL) {
            die(NULL, 0);
        }
        dying = true;
    }
    hold(site, at, len);
    sst_order();
    return true;
}

void sst_site_end(const void *at, size_t len)
{
    sst_order();
    if (dying) {
        die(at, len);
    }
    leave();
}

void sst_site_copy(sst_site *site, void *to, const void *from, size_t len)
{
    size_t half = len / 2;

    if (!enter(site)) {
        return;
    }
    hold(site, to, len);
    point(to, 0);
    memcpy(to, from, half);
    point(to, half);
    memcpy((char *)to + half, (const char *)from + half, len - half);
    sst_order();
    point(to, len);
    leave();
}

void sst_site_wipe(sst_site *site, void *at, size_t len)
{
    size_t half = len / 2;

    if (!enter(site)) {
        return;
    }
    hold(site, at, len);
    point(at, 0);
    memset(at, 0, half);
    point(at, half);
    memset((char *)at + half, 0, len - half);
    __asm__ __volatile__("" : : "r"(at) : "memory");
    point(at, len);
    leave();
}
#endif
