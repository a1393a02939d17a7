/* SPDX-License-Identifier: Apache-2.0 */
/*
 * TAP for standalone C unit tests: no plan up front, `1..N` at the end, so
 * a program that dies half way is seen as broken and not as short.
 *
 *   ok(cond, "sentence with %d", n)   one test point; returns cond
 *   is_int(got, want, "sentence")     compares as long long, shows both
 *   is_str(got, want, "sentence")     NULL is a value of its own
 *   skip(n, "why")                    n test points that cannot run here
 *   diag("text")                      a comment line, on stdout like the rest
 *   tap_seed(argc, argv)              argv[1] or a fresh seed; told on failure
 *   done_testing()                    prints the plan; main's return value
 *
 * One test program is one translation unit, hence the file-local state. Not
 * for use from several threads at a time. A forked child must _exit() and
 * not report points of its own.
 */
#ifndef TAP_H
#define TAP_H

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define TAP_UNUSED __attribute__((unused))

static struct {
    int run;
    int failed;
    uint64_t seed;
    int has_seed;
} tap_state;

__attribute__((format(printf, 1, 2))) static void TAP_UNUSED
diag(const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    fputs("# ", stdout);
    vfprintf(stdout, fmt, ap);
    fputc('\n', stdout);
    va_end(ap);
    fflush(stdout);
}

__attribute__((format(printf, 4, 0))) static inline int tap_point(
    int pass, const char *file, int line, const char *fmt, va_list ap)
{
    printf("%s %d - ", pass ? "ok" : "not ok", ++tap_state.run);
    vprintf(fmt, ap);
    putchar('\n');
    if (!pass) {
        tap_state.failed++;
        printf("#   failed at %s line %d\n", file, line);
        if (tap_state.has_seed) {
            printf("#   seed %llu\n", (unsigned long long)tap_state.seed);
        }
    }
    fflush(stdout);
    if (!pass && getenv("TAP_STOP") != NULL) {
        _exit(1); /* who looks for any failure need not wait for the rest */
    }
    return pass;
}

__attribute__((format(printf, 4, 5))) static int TAP_UNUSED
tap_ok(int pass, const char *file, int line, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    pass = tap_point(pass != 0, file, line, fmt, ap);
    va_end(ap);
    return pass;
}

static int TAP_UNUSED tap_is_int(long long got, long long want,
                                 const char *file, int line, const char *name)
{
    int pass = tap_ok(got == want, file, line, "%s", name);

    if (!pass) {
        diag("  got %lld, want %lld", got, want);
    }
    return pass;
}

static int TAP_UNUSED tap_is_str(const char *got, const char *want,
                                 const char *file, int line, const char *name)
{
    int same = got && want ? strcmp(got, want) == 0 : got == want;
    int pass = tap_ok(same, file, line, "%s", name);

    if (!pass) {
        diag("   got: %s", got ? got : "(null)");
        diag("  want: %s", want ? want : "(null)");
    }
    return pass;
}

#define ok(cond, ...) tap_ok((cond) != 0, __FILE__, __LINE__, __VA_ARGS__)
#define is_int(got, want, name)                                                \
    tap_is_int((long long)(got), (long long)(want), __FILE__, __LINE__, (name))
#define is_str(got, want, name)                                                \
    tap_is_str((got), (want), __FILE__, __LINE__, (name))

static void TAP_UNUSED skip(int count, const char *why)
{
    for (int i = 0; i < count; i++) {
        printf("ok %d # SKIP %s\n", ++tap_state.run, why);
    }
    fflush(stdout);
}

static uint64_t TAP_UNUSED tap_seed(int argc, char **argv)
{
    struct timespec now;

    if (argc > 1) {
        tap_state.seed = strtoull(argv[1], NULL, 0);
    }
    else {
        clock_gettime(CLOCK_REALTIME, &now);
        tap_state.seed = (uint64_t)now.tv_nsec * 1000003u + (uint64_t)getpid();
    }
    tap_state.has_seed = 1;
    return tap_state.seed;
}

static int TAP_UNUSED done_testing(void)
{
    printf("1..%d\n", tap_state.run);
    if (tap_state.failed != 0) {
        diag("%d of %d failed", tap_state.failed, tap_state.run);
    }
    fflush(stdout);
    return tap_state.failed == 0 && tap_state.run > 0 ? 0 : 1;
}

#endif
