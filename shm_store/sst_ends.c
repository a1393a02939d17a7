/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reading journals.  Ended keys are sorted, so that a restore of a million
 * records asks in twenty steps; epochs are few and are sorted, too.
 */
#include "sst_ends.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "sst_journal.h"

#define ENTRIES_AT_ONCE 512

typedef struct epoch {
    uint64_t user_tag, life;
    int64_t own_ms;
} epoch;

struct sst_ends {
    sst_journal_entry *entries;
    size_t count, room;
    epoch *epochs;
    size_t nepochs, epoch_room;
};

typedef struct reading {
    sst_ends *ends;
    uint64_t generation; /* the first that counts */
    const char *name;    /* of the journal that is read; NULL: none */
    bool seen;           /* that of `generation` */
    bool force;
    bool wrong;
    char *why;
    size_t whylen;
} reading;

/* The first thing that is wrong is told. */
__attribute__((format(printf, 2, 3))) static bool wrong(reading *at,
                                                        const char *format, ...)
{
    va_list args;
    int used = 0;

    if (!at->wrong && at->name != NULL) {
        used = snprintf(at->why, at->whylen, "%s: ", at->name);
    }
    if (!at->wrong && used >= 0 && (size_t)used < at->whylen) {
        va_start(args, format);
        vsnprintf(at->why + used, at->whylen - (size_t)used, format, args);
        va_end(args);
    }
    at->wrong = true;
    return at->force;
}

/* Room for one more of ${size} bytes. */
static bool grow(void **list, size_t count, size_t *room, size_t size)
{
    void *more;

    if (count < *room) {
        return true;
    }
    more = reallocarray(*list, *room * 2 + 64, size);
    if (more == NULL) {
        return false;
    }
    *room = *room * 2 + 64;
    *list = more;
    return true;
}

static bool add(sst_ends *ends, const sst_journal_entry *entry, uint64_t life)
{
    if (entry->type == SST_JOURNAL_EPOCH) {
        if (!grow((void **)&ends->epochs, ends->nepochs, &ends->epoch_room,
                  sizeof(epoch))) {
            return false;
        }
        ends->epochs[ends->nepochs++] =
            (epoch){.user_tag = entry->of.epoch.user_tag,
                    .own_ms = entry->of.epoch.own_ms,
                    .life = life};
        return true;
    }
    if (!grow((void **)&ends->entries, ends->count, &ends->room,
              sizeof(*entry))) {
        return false;
    }
    ends->entries[ends->count++] = *entry;
    return true;
}

static bool sound(const sst_journal_entry *entry, const sst_journal_head *head)
{
    return (entry->type == SST_JOURNAL_ENDED ||
            entry->type == SST_JOURNAL_EPOCH) &&
           entry->sum == sst_journal_entry_sum(entry, head);
}

/* ${where}: of the batch in the file. */
static bool take_batch(reading *at, const sst_journal_entry *batch,
                       size_t count, const sst_journal_head *head,
                       long long where)
{
    for (size_t i = 0; i < count; i++) {
        if (!sound(&batch[i], head)) {
            if (!wrong(at, "the entry at byte %lld is damaged",
                       where + (long long)(i * sizeof(*batch)))) {
                return false;
            }
        }
        else if (!add(at->ends, &batch[i], head->life)) {
            wrong(at, "out of memory");
            return false;
        }
    }
    return true;
}

static bool read_entries(reading *at, int fd, const sst_journal_head *head)
{
    sst_journal_entry batch[ENTRIES_AT_ONCE];
    off_t where = sizeof(*head);
    ssize_t got;

    while ((got = pread(fd, batch, sizeof(batch), where)) > 0) {
        size_t count = (size_t)got / sizeof(*batch);

        if ((size_t)got % sizeof(*batch) != 0 &&
            !wrong(at, "its last entry is cut short")) {
            return false;
        }
        if (!take_batch(at, batch, count, head, where)) {
            return false;
        }
        if (count == 0) {
            return true;
        }
        where += (off_t)(count * sizeof(*batch));
    }
    return got == 0 || wrong(at, "it cannot be read: %s", strerror(errno));
}

static bool read_journal(void *baton, const char *name, uint64_t generation)
{
    reading *at = baton;
    sst_journal_head head;
    const char *why;
    bool more;
    int fd;

    if (generation < at->generation) {
        return true;
    }
    at->seen |= generation == at->generation;
    at->name = name;
    fd = open(name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    if (fd < 0) {
        return wrong(at, "%s", strerror(errno));
    }
    why = sst_journal_check(fd, generation, &head);
    more = why != NULL ? wrong(at, "%s", why) : read_entries(at, fd, &head);
    close(fd);
    return more;
}

/* Of one key the highest token first. */
static int by_key(const void *left, const void *right)
{
    const sst_journal_entry *a = left, *b = right;
    int order = memcmp(a->of.key, b->of.key, sizeof(a->of.key));

    return order != 0 ? order : a->token > b->token ? -1 : a->token < b->token;
}

/* Of one user the latest first. */
static int by_tag(const void *left, const void *right)
{
    const epoch *a = left, *b = right;

    return a->user_tag != b->user_tag ? (a->user_tag < b->user_tag ? -1 : 1)
           : a->own_ms > b->own_ms    ? -1
                                      : a->own_ms < b->own_ms;
}

sst_ends *sst_ends_read(const char *snapshot, uint64_t generation, bool force,
                        char *why, size_t whylen)
{
    reading at = {.ends = calloc(1, sizeof(sst_ends)),
                  .generation = generation,
                  .force = force,
                  .why = why,
                  .whylen = whylen};
    bool done;

    if (at.ends == NULL) {
        snprintf(why, whylen, "out of memory");
        return NULL;
    }
    errno = 0;
    done = sst_journal_each(snapshot, read_journal, &at);
    at.name = snapshot;
    if (!done && !at.wrong) {
        done = wrong(&at, "its directory cannot be read");
    }
    if (done && !at.seen) {
        done = wrong(&at,
                     "its journal of generation %llu, which says what has "
                     "ended since, is missing",
                     (unsigned long long)generation);
    }
    if (!done) {
        sst_ends_free(at.ends);
        return NULL;
    }
    if (at.ends->count > 0) {
        qsort(at.ends->entries, at.ends->count, sizeof(*at.ends->entries),
              by_key);
    }
    if (at.ends->nepochs > 0) {
        qsort(at.ends->epochs, at.ends->nepochs, sizeof(*at.ends->epochs),
              by_tag);
    }
    return at.ends;
}

void sst_ends_free(sst_ends *ends)
{
    if (ends != NULL) {
        free(ends->entries);
        free(ends->epochs);
        free(ends);
    }
}

static bool key_ended(const sst_ends *ends, const sst_dump_record *record)
{
    size_t low = 0, high = ends->count;

    while (low < high) {
        size_t mid = low + (high - low) / 2;

        if (memcmp(ends->entries[mid].of.key, record->key, SST_JOURNAL_KEY) <
            0) {
            low = mid + 1;
        }
        else {
            high = mid;
        }
    }
    return low < ends->count && ends->entries[low].token >= record->token &&
           memcmp(ends->entries[low].of.key, record->key, SST_JOURNAL_KEY) == 0;
}

/* An epoch of a later segment, whose clock is another one, is later than all
 * that a snapshot from before can hold. */
static bool user_ended(const sst_ends *ends, const sst_dump_record *record,
                       uint64_t life)
{
    size_t low = 0, high = ends->nepochs;

    while (low < high) {
        size_t mid = low + (high - low) / 2;

        if (ends->epochs[mid].user_tag < record->user_tag) {
            low = mid + 1;
        }
        else {
            high = mid;
        }
    }
    for (;
         low < ends->nepochs && ends->epochs[low].user_tag == record->user_tag;
         low++) {
        const epoch *at = &ends->epochs[low];

        if (at->life != life || at->own_ms > record->created_ms) {
            return true;
        }
    }
    return false;
}

bool sst_ends_has(const sst_ends *ends, const sst_dump_record *record,
                  uint64_t life)
{
    return key_ended(ends, record) ||
           (record->user_tag != 0 && record->kind != SST_EPOCH &&
            user_ended(ends, record, life));
}
