/* SPDX-License-Identifier: Apache-2.0 */
#include "htsession.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <time.h>

#include "sx_patient.h"

#define PROGRESS_LOOK 256 /* records, between looks at the clock */
#define PROGRESS_MS   200

void tool_read_clocks(tool *t)
{
    struct timespec wall;

    clock_gettime(CLOCK_REALTIME, &wall);
    t->now_ms = t->at.sx->ops->clock_ms(t->at.sx);
    t->wall_ms = (int64_t)wall.tv_sec * 1000 + wall.tv_nsec / 1000000;
}

outcome tool_fail(const tool *t, const char *format, ...)
{
    va_list args;

    fflush(stdout);
    fprintf(stderr, "htsession: %s: ", t->file);
    va_start(args, format);
    vfprintf(stderr, format, args);
    va_end(args);
    fputc('\n', stderr);
    return BROKEN;
}

static const char held[] =
    "a lock in the store is held for too long; try again";

outcome tool_fail_answer(const tool *t, sx_answer answer)
{
    return tool_fail(t, "%s",
                     answer == SX_STORE_BUSY ? held : sx_answer_str(answer));
}

outcome tool_fail_status(const tool *t, shm_status status)
{
    return tool_fail(t, "%s",
                     status == SST_BUSY ? held : shm_status_str(status));
}

outcome tool_cannot(const tool *t, const char *command, const char *why)
{
    tool_fail(t, "%s: %s", command, why);
    return BAD_USAGE;
}

outcome tool_each(tool *t, sx_store_visit *visit, void (*again)(void *baton),
                  void *baton)
{
    sx_answer answer;

    tool_read_clocks(t);
    answer = sx_patient_each(t->at.sx, visit, again, baton, t->pool);
    tool_progress_end(t);
    return answer == SX_STORE_OK ? DONE : tool_fail_answer(t, answer);
}

void tool_progress(tool *t)
{
    struct timespec now;
    int64_t now_ms;

    if (!t->terminal || ++t->visited % PROGRESS_LOOK != 0) {
        return;
    }
    clock_gettime(CLOCK_MONOTONIC, &now);
    now_ms = (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
    if (now_ms - t->shown_ms >= PROGRESS_MS) {
        t->shown_ms = now_ms;
        fprintf(stderr, "\r%" PRIu64 " records", t->visited);
    }
}

void tool_progress_end(tool *t)
{
    if (t->shown_ms != 0) {
        fputs("\r\033[K", stderr);
    }
    t->shown_ms = 0;
}

/* A string of JSON; our texts are ASCII but for what a path may hold. */
void tool_put_json(const char *text)
{
    putchar('"');
    for (; *text; text++) {
        unsigned char c = (unsigned char)*text;

        if (c == '"' || c == '\\') {
            printf("\\%c", c);
        }
        else if (c < 0x20 || c == 0x7f) {
            printf("\\u%04x", c);
        }
        else {
            putchar(c);
        }
    }
    putchar('"');
}

/* ISO 8601 in UTC of a time of the store. */
const char *tool_time(const tool *t, int64_t ms, char text[32])
{
    time_t when = (time_t)((t->wall_ms + ms - t->now_ms) / 1000);
    struct tm parts;

    if (!gmtime_r(&when, &parts) ||
        strftime(text, 32, "%Y-%m-%dT%H:%M:%SZ", &parts) == 0) {
        snprintf(text, 32, "-");
    }
    return text;
}
