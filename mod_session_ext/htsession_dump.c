/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A store as lines of JSON, and back: sx_dump.h has the format.  A dump knows
 * nothing of what is ended after it, so it is not loaded into the store that it
 * was taken from, unless that is forced.
 */
#include "htsession.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "htsession_lines.h"
#include "sx_copy.h"
#include "sx_copy_notes.h"
#include "sx_dump.h"
#include "sx_patient.h"

#define WRONG_TOLD 100 /* lines that are told of one by one */

static uint64_t life_of(const tool *t)
{
    return t->at.sx->ops->life ? t->at.sx->ops->life(t->at.sx) : 0;
}

/* ---- dump ---------------------------------------------------------------- */

typedef struct dumping {
    tool *t;
    FILE *out;
    uint64_t records, damaged;
    sx_answer answer;
    apr_pool_t *each;
} dumping;

static bool put_line(const dumping *d, const char *line)
{
    return fputs(line, d->out) != EOF && putc('\n', d->out) != EOF;
}

static bool dump_one(void *baton, const unsigned char *key,
                     const sx_record_meta *shown, size_t len)
{
    dumping *d = baton;
    const tool *t = d->t;
    sx_record_meta meta;
    sx_str bytes;

    (void)shown;
    (void)len;
    if (sx_copy_is_note(key)) {
        return true;
    }
    tool_progress(d->t);
    apr_pool_clear(d->each);
    d->answer = sx_patient_get(t->at.sx, key, &bytes, &meta, d->each);
    if (d->answer == SX_STORE_MISS || d->answer == SX_STORE_DAMAGED) {
        d->damaged += d->answer == SX_STORE_DAMAGED;
        d->answer = SX_STORE_OK;
        return true;
    }
    if (d->answer != SX_STORE_OK) {
        return false;
    }
    meta = sx_copy_meta(&meta, t->wall_ms - t->now_ms);
    d->records++;
    return put_line(d, sx_dump_record(key, &meta, bytes, d->each));
}

static outcome dump_to(dumping *d)
{
    tool *t = d->t;
    outcome result;

    apr_pool_create(&d->each, t->pool);
    if (!put_line(d, sx_dump_head(t->at.sx->ops->name, life_of(t), t->wall_ms,
                                  d->each))) {
        return DONE; /* the caller sees the file's error */
    }
    result = tool_each(t, dump_one, NULL, d);
    if (result != DONE) {
        return result;
    }
    if (d->answer != SX_STORE_OK) {
        return tool_fail_answer(t, d->answer);
    }
    if (ferror(d->out) || !put_line(d, sx_dump_end(d->records, d->each))) {
        return DONE;
    }
    return d->damaged == 0
               ? DONE
               : tool_fail(t, "%" PRIu64 " damaged records were left out",
                           d->damaged);
}

static outcome file_error(const tool *t)
{
    fprintf(stderr, "htsession: %s: %s\n",
            t->output ? t->output : "standard output", strerror(errno));
    return BROKEN;
}

/* As the one who has started it, whom the store may not belong to. */
static FILE *make_output(const tool *t)
{
    const uid_t user = tool_store_as_root();
    int fd = open(t->output,
                  O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);

    tool_store_as(user);
    return fd < 0 ? NULL : fdopen(fd, "w");
}

outcome tool_dump(tool *t)
{
    dumping d = {.t = t, .out = stdout};
    outcome result;

    if (!t->output) {
        result = dump_to(&d);
        return ferror(stdout) ? BROKEN : result;
    }
    d.out = make_output(t);
    if (!d.out && errno == EEXIST) {
        fprintf(stderr,
                "htsession: %s: exists and stays as it is; name a new file\n",
                t->output);
        return BROKEN;
    }
    if (!d.out) {
        return file_error(t);
    }
    result = dump_to(&d);
    if (fflush(d.out) != 0 || ferror(d.out) || fsync(fileno(d.out)) != 0) {
        result = file_error(t);
    }
    if (fclose(d.out) != 0) {
        result = file_error(t);
    }
    if (result == DONE) {
        printf(t->json ? "{\"records\": %" PRIu64 "}\n"
                       : "%" PRIu64 " records\n",
               d.records);
    }
    return result;
}

/* ---- load ---------------------------------------------------------------- */

typedef struct loading {
    tool *t;
    lines in;
    uint64_t loaded, present, over, refused, wrong, found;
    bool has_head, has_end;
    apr_pool_t *each;
} loading;

static void wrong_line(loading *l, const char *why)
{
    if (l->wrong++ < WRONG_TOLD) {
        fprintf(stderr, "htsession: line %" PRIu64 ": %s\n", l->in.number, why);
    }
}

static outcome load_head(loading *l, const sx_dump_line *line)
{
    tool *t = l->t;

    l->has_head = true;
    if (line->life == life_of(t) && !t->force) {
        return tool_fail(t, "the dump was taken from this store, and what was "
                            "ended since would come back; nothing was loaded "
                            "(--force does it)");
    }
    return DONE;
}

static sx_answer put(const tool *t, const sx_dump_line *line, apr_pool_t *pool)
{
    sx_store *store = t->at.sx;
    sx_record_meta meta = sx_copy_meta(&line->meta, t->now_ms - t->wall_ms);

    return sx_copy_is_end(meta.kind)
               ? sx_copy_put_end(store, line->key, line->bytes, &meta, pool)
               : sx_patient_put(store, line->key, 0, line->bytes, &meta, pool);
}

static outcome load_record(loading *l, const sx_dump_line *line)
{
    tool *t = l->t;
    sx_answer answer;

    l->found++;
    tool_progress(t);
    if (line->meta.expires_ms <= t->wall_ms) {
        l->over++;
        return DONE;
    }
    answer = put(t, line, l->each);
    if (answer == SX_STORE_OK) {
        l->loaded++;
    }
    else if (answer == SX_STORE_CHANGED) {
        l->present++;
    }
    else if ((answer == SX_STORE_FULL || answer == SX_STORE_TOOBIG) &&
             !sx_copy_is_end(line->meta.kind)) {
        l->refused++;
    }
    else {
        return tool_fail(t, "line %" PRIu64 ": %s", l->in.number,
                         sx_answer_str(answer));
    }
    return DONE;
}

static outcome load_line(loading *l, sx_str text)
{
    sx_dump_line line;
    const char *why;
    sx_dump_what what;

    apr_pool_clear(l->each);
    what = sx_dump_read(text, &line, &why, l->each);
    if (l->in.number == 1) {
        return what == SX_DUMP_HEAD
                   ? load_head(l, &line)
                   : tool_fail(l->t,
                               "nothing was loaded: the first line is not that "
                               "of a dump%s%s",
                               why ? ": " : "", why ? why : "");
    }
    if (l->has_end) {
        wrong_line(l, "nothing is accepted behind the last line of a dump");
    }
    else if (what == SX_DUMP_RECORD) {
        return load_record(l, &line);
    }
    else if (what == SX_DUMP_END) {
        l->has_end = true;
        if (line.records != l->found + l->wrong) {
            tool_fail(l->t,
                      "%" PRIu64 " records were dumped, and here are %" PRIu64,
                      line.records, l->found + l->wrong);
        }
    }
    else {
        wrong_line(l, why ? why : "only the first line can be the head");
    }
    return DONE;
}

static void put_loaded(const loading *l)
{
    const struct {
        const char *name;
        uint64_t value;
        const char *what;
    } rows[] = {
        {"loaded", l->loaded, "records were loaded"},
        {"over", l->over, "had ended by their time"},
        {"present", l->present, "were there already, or later ones, and stay"},
        {"refused", l->refused, "found no room, or are too large"},
        {"wrong", l->wrong, "lines were not accepted"},
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        if (l->t->json) {
            printf("%s\"%s\": %" PRIu64, i ? ", " : "{", rows[i].name,
                   rows[i].value);
        }
        else {
            printf("%-8s %12" PRIu64 "  %s\n", rows[i].name, rows[i].value,
                   rows[i].what);
        }
    }
    if (l->t->json) {
        puts("}");
    }
}

static outcome load_all(loading *l)
{
    outcome result = DONE;
    sx_str text;

    while (result == DONE && lines_next(&l->in, &text)) {
        if (text.p) {
            result = load_line(l, text);
        }
        else {
            wrong_line(l, "it is longer than 12 MiB");
            result = l->has_head ? DONE : BROKEN;
        }
    }
    if (ferror(l->in.from)) {
        return tool_fail(l->t, "the dump cannot be read: %s", strerror(errno));
    }
    if (result == DONE && !l->has_head) {
        return tool_fail(l->t, "nothing was loaded: the dump is empty");
    }
    return result;
}

outcome tool_load(tool *t)
{
    loading l = {.t = t, .in = {.from = stdin, .max = SX_DUMP_LINE_MAX}};
    outcome result;

    apr_pool_create(&l.each, t->pool);
    result = load_all(&l);
    lines_end(&l.in);
    tool_progress_end(t);
    if (!l.has_head) {
        return BROKEN;
    }
    put_loaded(&l);
    if (l.wrong > WRONG_TOLD) {
        tool_fail(t, "not all lines that were not accepted are told above");
    }
    if (result == DONE && !l.has_end) {
        return tool_fail(t, "the dump is cut short behind line %" PRIu64,
                         l.in.number);
    }
    return result == DONE && l.refused + l.wrong > 0 ? BROKEN : result;
}
