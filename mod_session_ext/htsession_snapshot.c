/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A store to a file and back, by hand.  A snapshot that is taken here has no
 * journal beside it, so what is ended afterwards is not known to a restore:
 * that has to be forced.  The server's own snapshot has one, and what it says
 * stays ended.
 */
#include "htsession.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "sx_snapshot.h"

#define PROGRESS_EVERY ((uint64_t)1 << 23)

/* Bytes, because what is read of a file before it counts has no records. */
static void show_progress(void *baton, uint64_t bytes)
{
    tool *t = baton;

    if (t->terminal && bytes / PROGRESS_EVERY != t->visited / PROGRESS_EVERY) {
        fprintf(stderr, "\r%" PRIu64 " MiB", bytes >> 20);
    }
    t->visited = bytes;
}

static void end_progress(const tool *t)
{
    if (t->terminal && t->visited >= PROGRESS_EVERY) {
        fputs("\r\033[K", stderr);
    }
}

typedef outcome snapshot_run(tool *t, const sx_snapshot *snapshot);

/* ${baton} says which of the two. */
static outcome with_keys(tool *t, const sx_keys *keys, void *baton)
{
    snapshot_run *const *run = baton;
    sx_snapshot snapshot = {.store = t->at.segment,
                            .path = t->arg,
                            .keys = keys,
                            .progress = show_progress,
                            .baton = t};

    return (*run)(t, &snapshot);
}

/* ---- snapshot ----------------------------------------------------------- */

static outcome run_snapshot(tool *t, const sx_snapshot *snapshot)
{
    shm_dump_report report;
    char why[600];
    bool done =
        sx_snapshot_write(snapshot, t->now_ms, &report, why, sizeof(why));

    end_progress(t);
    if (!done) {
        fprintf(stderr, "htsession: %s\n", why);
        return BROKEN;
    }
    if (t->json) {
        fputs("{\"file\": ", stdout);
        tool_put_json(t->arg);
        printf(", \"records\": %" PRIu64 ", \"damaged\": %" PRIu64 "}\n",
               report.records, report.damaged);
    }
    else {
        printf("%" PRIu64 " records in %s\n", report.records, t->arg);
    }
    return report.damaged == 0
               ? DONE
               : tool_fail(t, "%" PRIu64 " damaged records were left out",
                           report.damaged);
}

/* A snapshot without a journal must not take the place of one that has it. */
outcome tool_snapshot(tool *t)
{
    struct stat st;

    if (lstat(t->arg, &st) == 0) {
        fprintf(stderr,
                "htsession: %s: exists and stays as it is; name a new file\n",
                t->arg);
        return BROKEN;
    }
    return tool_with_keys(t, t->key_file, with_keys,
                          &(snapshot_run *){run_snapshot});
}

/* ---- restore ------------------------------------------------------------ */

static void put_restored(const tool *t, const shm_load_report *report)
{
    const struct {
        const char *name;
        uint64_t value;
        const char *what;
    } rows[] = {
        {"restored", report->records, "records came back"},
        {"over", report->over, "had ended by their time"},
        {"ended", report->ended, "were ended since, by the journal"},
        {"present", report->present, "were there already and stay"},
        {"refused", report->refused, "found no room"},
        {"age", (uint64_t)report->age_ms / 1000, "seconds since the snapshot"},
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        if (t->json) {
            printf("%s\"%s\": %" PRIu64, i ? ", " : "{", rows[i].name,
                   rows[i].value);
        }
        else {
            printf("%-8s %12" PRIu64 "  %s\n", rows[i].name, rows[i].value,
                   rows[i].what);
        }
    }
    if (t->json) {
        puts("}");
    }
}

static outcome run_restore(tool *t, const sx_snapshot *snapshot)
{
    shm_load_report report;
    char why[600];
    sx_restored restored = sx_snapshot_restore(snapshot, t->force, t->now_ms,
                                               &report, why, sizeof(why));

    end_progress(t);
    if (why[0] != '\0') {
        fprintf(stderr, "htsession: %s%s\n", why,
                restored == SX_RESTORE_REFUSED && !t->force
                    ? "; nothing was restored (--force takes what can be had)"
                    : "");
    }
    if (restored == SX_RESTORE_NONE) {
        return NOT_FOUND;
    }
    if (restored == SX_RESTORE_REFUSED) {
        return BROKEN;
    }
    put_restored(t, &report);
    return DONE;
}

outcome tool_restore(tool *t)
{
    return tool_with_keys(t, t->key_file, with_keys,
                          &(snapshot_run *){run_restore});
}
