/* SPDX-License-Identifier: Apache-2.0 */
/* From one store to another; what that means is in sx_copy.h. */
#include "htsession.h"

#include <inttypes.h>
#include <stdio.h>

#include "sx_copy.h"

static void one_more(void *baton)
{
    tool_progress(baton);
}

static void put_report(const tool *t, const sx_copy_report *report)
{
    const struct {
        const char *name;
        uint64_t value;
        const char *what;
    } rows[] = {
#define X(name, what) {#name, report->name, what},
        SX_COPY_FIGURES(X)
#undef X
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        if (t->json) {
            printf("%s\"%s\": %" PRIu64, i ? ", " : "{", rows[i].name,
                   rows[i].value);
        }
        else {
            printf("%-10s %12" PRIu64 "  %s\n", rows[i].name, rows[i].value,
                   rows[i].what);
        }
    }
    if (t->json) {
        puts("}");
    }
}

static outcome say_failure(const tool *t, const tool_store *to,
                           const sx_copy_report *report, sx_answer answer)
{
    const char *where = report->failed == to->sx ? to->spec : t->at.spec;

    fflush(stdout);
    fprintf(stderr,
            "htsession: %s: %s: %s; what is done is noted, as far as it could "
            "be: copy again before the other store is used\n",
            where, report->failing,
            answer == SX_STORE_BUSY ? "a lock is held for too long"
                                    : sx_answer_str(answer));
    return BROKEN;
}

static outcome copy_to(tool *t, const tool_store *to)
{
    const sx_copy copy = {
        .from = t->at.sx, .to = to->sx, .progress = one_more, .baton = t};
    sx_copy_report report;
    sx_answer answer = sx_copy_run(&copy, &report, t->pool);

    tool_progress_end(t);
    put_report(t, &report);
    if (answer != SX_STORE_OK) {
        return say_failure(t, to, &report, answer);
    }
    if (report.refused > 0) {
        tool_fail(t, "%" PRIu64 " records found no room in %s", report.refused,
                  to->spec);
    }
    if (report.damaged > 0) {
        tool_fail(t, "%" PRIu64 " damaged records were left out",
                  report.damaged);
    }
    return report.refused + report.damaged > 0 ? BROKEN : DONE;
}

static uint64_t life_of(const tool_store *store)
{
    return store->sx->ops->life ? store->sx->ops->life(store->sx) : 0;
}

outcome tool_copy(tool *t)
{
    tool_store to;
    const char *why = tool_store_open(t->arg, &to, t->pool);

    if (why) {
        fprintf(stderr, "htsession: %s\n", why);
        return BROKEN;
    }
    if (!t->at.sx->ops->each || !to.sx->ops->each) {
        return tool_cannot(t, "copy",
                           "both stores have to show what is in them");
    }
    if (life_of(&t->at) == life_of(&to)) {
        return tool_cannot(t, "copy", "these are one store");
    }
    return copy_to(t, &to);
}
