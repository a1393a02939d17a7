/* SPDX-License-Identifier: Apache-2.0 */
#include "htsession.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <time.h>

#define PROGRESS_EVERY 65536

void tool_read_clocks(tool *t)
{
    t->now_ms = shm_store_clock_ms();
    t->wall_s = (int64_t)time(NULL);
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

outcome tool_fail_status(const tool *t, shm_status status)
{
    return tool_fail(t, "%s",
                     status == SST_BUSY
                         ? "a lock in the store is held for too long; try again"
                         : shm_status_str(status));
}

void tool_progress(tool *t)
{
    if (t->terminal && ++t->visited % PROGRESS_EVERY == 0) {
        fprintf(stderr, "\r%" PRIu64 " records", t->visited);
    }
}

void tool_progress_end(const tool *t)
{
    if (t->terminal && t->visited >= PROGRESS_EVERY) {
        fputs("\r\033[K", stderr);
    }
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
    time_t when = (time_t)(t->wall_s + (ms - t->now_ms) / 1000);
    struct tm parts;

    if (!gmtime_r(&when, &parts) ||
        strftime(text, 32, "%Y-%m-%dT%H:%M:%SZ", &parts) == 0) {
        snprintf(text, 32, "-");
    }
    return text;
}
