/* SPDX-License-Identifier: Apache-2.0 */
/* A session that a snapshot has carried over a reboot, by which the clock
 * begins anew: its id is renewed when it has got old, not before and not only
 * when the clock has come to where it was; and a message that somebody was
 * shown then is shown to nobody else until that lease is over. */
#include <fcntl.h>
#include <string.h>

#include "stage.h"

#include "sx_flash.h"
#include "sx_flash_claim.h"
#include "sx_snapshot.h"

#define DAY (24 * HOUR)

static stage at;
static char path[64];

static sx_snapshot snapshot_of(shm_store *store)
{
    return (sx_snapshot){.store = store, .path = path, .keys = at.keys};
}

/* All that is in the stage, in a segment of a clock that says ${now_ms}. */
static void reboot(int64_t now_ms)
{
    sx_snapshot snapshot = snapshot_of(at.segment);
    shm_dump_report dumped;
    shm_load_report loaded;
    char why[600];

    unlink(path);
    if (!sx_snapshot_write(&snapshot, at.now.boot_ms, &dumped, why,
                           sizeof(why))) {
        stage_give_up(why);
    }
    stage_close_shm(&at);
    at.now.boot_ms = now_ms;
    stage_open_shm(&at, 2 * MIB, SST_REFUSE);
    snapshot = snapshot_of(at.segment);
    if (sx_snapshot_restore(&snapshot, true, now_ms, &loaded, why,
                            sizeof(why)) != SX_RESTORE_DONE ||
        loaded.records == 0) {
        stage_give_up(why);
    }
}

static bool renews(const char *cookie)
{
    return request(&at, cookie, "Session-Set: a=1")->renewed;
}

static void test_id(void)
{
    const char *cookie;

    stage_begin(&at);
    at.now.boot_ms = 5 * DAY;
    cookie = begin(&at, "Session-Set: a=0 | Session-Idle: 3600");
    stage_pass(&at, 20 * MINUTE);
    reboot(HOUR);
    ok(!renews(cookie), "an id of 20 minutes stays");
    stage_pass(&at, 39 * MINUTE);
    ok(!renews(cookie), "nor is one of 59 minutes renewed");
    stage_pass(&at, MINUTE);
    ok(renews(cookie), "one of an hour is");
    stage_end(&at);
}

static int taken_by(const char *cookie, uint64_t id)
{
    sx_loaded *loaded = load(&at, cookie);
    const apr_array_header_t *taken = NULL;

    if (sx_flash_claim_for(&at.realm, loaded, id, at.now, at.pool) ==
        SX_STORE_OK) {
        taken = sx_flash_taken(loaded->session->messages, id, at.pool);
    }
    return taken ? taken->nelts : 0;
}

/* By a process of which nothing can be seen from here. */
static void test_claim(void)
{
    const char *cookie;

    stage_begin(&at);
    at.now.boot_ms = 5 * DAY;
    cookie = begin(&at, "Session-Flash: info=once");
    stage_pass(&at, SECOND);
    is_int(taken_by(cookie, 5), 1, "a page takes a message");
    stage_pass(&at, MINUTE);
    reboot(HOUR);
    is_int(taken_by(cookie, 6), 0, "and no other does");
    stage_pass(&at, 4 * MINUTE);
    is_int(taken_by(cookie, 7), 1, "before the lease is over");
    stage_end(&at);
}

int main(void)
{
    apr_initialize();
    snprintf(path, sizeof(path), "/tmp/sx-other-clock-%ld", (long)getpid());
    test_id();
    test_claim();
    unlink(path);
    return done_testing();
}
