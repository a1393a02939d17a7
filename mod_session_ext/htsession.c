/* SPDX-License-Identifier: Apache-2.0 */
/*
 * htsession: looks into a store and ends sessions, while httpd runs or after
 * it has stopped.  It opens the store as one more process, so nothing has to
 * be asked of the server, and sees what a store sees: no id, key or value.
 *
 * A table of subcommands is the usage, the help and the dispatch.
 */
#include "htsession.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include <apr_general.h>

/* ---- the table ---------------------------------------------------------- */

/* What the first operand is. */
typedef enum place { STORE, SEGMENT, A_FILE } place;

typedef struct subcommand {
    const char *name;
    const char *operands;
    tool_run *run;
    place of;
    int count; /* of operands */
    const char *help;
} subcommand;

static const subcommand subcommands[] = {
    {"stats", "STORE", tool_stats, STORE, 1,
     "figures of the store, and of a ShmStore counters"},
    {"list", "STORE", tool_list, STORE, 1,
     "live sessions, one a line: times, size and namespace, no contents"},
    {"show", "STORE HANDLE", tool_show, STORE, 2,
     "the same of one session, and how many old ids still lead to it"},
    {"destroy", "STORE HANDLE", tool_destroy, STORE, 2,
     "end a session: nothing revives it"},
    {"logout", "STORE USER", tool_logout, STORE, 2,
     "end all sessions of a user; --namespace and --keys say of which"},
    {"sweep", "STORE", tool_sweep, STORE, 1,
     "free what has ended now, not when the server gets to it"},
    {"check", "STORE-FILE", tool_check, SEGMENT, 1,
     "verify every record, list and counter"},
    {"copy", "STORE TO-STORE", tool_copy, STORE, 2,
     "carry all that lives to another store, while servers use either;\n"
     "            again, to carry what has changed since"},
    {"dump", "STORE", tool_dump, STORE, 1,
     "print all records as lines of JSON; values stay sealed"},
    {"load", "STORE", tool_load, STORE, 1,
     "put in what a dump, on standard input, holds and has not ended"},
    {"snapshot", "STORE-FILE SNAPSHOT-FILE KEY-FILE", tool_snapshot, SEGMENT, 3,
     "write all live sessions to a new file, sealed"},
    {"restore", "STORE-FILE SNAPSHOT-FILE KEY-FILE", tool_restore, SEGMENT, 3,
     "bring back what a snapshot holds and what has not ended since"},
    {"bench", "STORE-FILE", tool_bench, A_FILE, 1,
     "measure a store of its own, made beside this one for the time:\n"
     "            operations a second, and p50, p99 and the slowest in ns"},
    {"keygen", "KEY-FILE", tool_keygen, A_FILE, 1,
     "make a key file for SessionExtKeyFile; never overwrites"},
};

#define SUBCOMMANDS (sizeof(subcommands) / sizeof(*subcommands))

static void put_usage(FILE *to)
{
    for (size_t i = 0; i < SUBCOMMANDS; i++) {
        fprintf(to, "%s htsession [--json] %s %s\n",
                i ? "      " : "usage:", subcommands[i].name,
                subcommands[i].operands);
    }
}

static void put_kind(const char *named, const char *what)
{
    printf("  %s\n              %s\n", named, what);
}

static void put_help(void)
{
    put_usage(stdout);
    fputs("\nLooks into a store of mod_session_ext, while httpd runs or after "
          "it has stopped.\nSTORE is one of\n\n",
          stdout);
    tool_store_kinds(put_kind);
    fputs("\nSTORE-FILE the file of a ShmStore, HANDLE the 16 hex digits of "
          "SESSION_HANDLE,\nKEY-FILE that of SessionExtKeyFile.\n\n",
          stdout);
    for (size_t i = 0; i < SUBCOMMANDS; i++) {
        printf("  %-8s  %s\n", subcommands[i].name, subcommands[i].help);
    }
    fputs("\n  --json     print JSON\n"
          "  --force    restore: take what can be had of a damaged snapshot or "
          "journal;\n"
          "              load: take a dump of the store itself\n"
          "  -o FILE    dump: to this new file, which only its owner can "
          "read\n"
          "  --user NAME list: only the sessions of this user; the two "
          "next are needed, too,\n"
          "              since a store holds a keyed hash of both names\n"
          "  --namespace NAME  list, logout: the user's SessionExtNamespace\n"
          "  --keys KEY-FILE   list, logout: the SessionExtKeyFile there\n"
          "  --size N   bench: bytes of the store that is made (k, m, g)\n"
          "  --help     print this\n"
          "  --version  print the version\n\n"
          "Exit status: 0 done, 1 no such session or snapshot, 2 wrong usage, "
          "3 store or\nsnapshot is damaged or cannot be reached, or a file "
          "cannot be written.\n",
          stdout);
}

/* ---- main --------------------------------------------------------------- */

static outcome open_store(tool *t, const subcommand *sub)
{
    const char *why = tool_store_open(t->file, &t->at, t->pool);

    if (why) {
        fprintf(stderr, "htsession: %s\n", why);
        return BROKEN;
    }
    t->file = t->at.spec;
    if (sub->of == SEGMENT && !t->at.segment) {
        return tool_cannot(t, sub->name, "it is done to ShmStores only");
    }
    tool_read_clocks(t);
    if (t->at.segment && t->at.attached.lost > 0) {
        tool_fail(t,
                  "%" PRIu64
                  " damaged records or shards were taken out when it "
                  "was opened",
                  t->at.attached.lost);
    }
    return DONE;
}

static outcome wrong_usage(const char *why, const char *what)
{
    if (why) {
        fprintf(stderr, "htsession: %s%s%s\n", why, what ? " " : "",
                what ? what : "");
    }
    put_usage(stderr);
    return BAD_USAGE;
}

static bool user_options_ok(const tool *t, const subcommand *sub)
{
    if (sub->run == tool_logout) {
        return !t->user && t->ns && t->keys;
    }
    return (!t->user && !t->ns && !t->keys) ||
           (sub->run == tool_list && t->user && t->ns && t->keys);
}

static outcome dispatch(tool *t, const char *const *words, int count)
{
    for (size_t i = 0; i < SUBCOMMANDS; i++) {
        const subcommand *sub = &subcommands[i];
        outcome result;

        if (strcmp(words[0], sub->name) != 0) {
            continue;
        }
        if (count != 1 + sub->count) {
            return wrong_usage("wrong number of arguments to", sub->name);
        }
        if (t->force && sub->run != tool_restore && sub->run != tool_load) {
            return wrong_usage("--force is for restore and load, not for",
                               sub->name);
        }
        if (t->output && sub->run != tool_dump) {
            return wrong_usage("-o is for dump, not for", sub->name);
        }
        if (t->size && sub->run != tool_bench) {
            return wrong_usage("--size is for bench, not for", sub->name);
        }
        if (!user_options_ok(t, sub)) {
            return wrong_usage("list takes --user, --namespace and --keys "
                               "together, logout needs the last two; wrong "
                               "with",
                               sub->name);
        }
        t->file = words[1];
        t->arg = words[2];
        t->key_file = words[3];
        result = sub->of == A_FILE ? DONE : open_store(t, sub);
        return result == DONE ? sub->run(t) : result;
    }
    return wrong_usage("there is no command", words[0]);
}

/* Where the value of an option goes that has one, or NULL. */
static const char **value_of(tool *t, const char *option)
{
    return strcmp(option, "--user") == 0        ? &t->user
           : strcmp(option, "--namespace") == 0 ? &t->ns
           : strcmp(option, "--keys") == 0      ? &t->keys
           : strcmp(option, "--size") == 0      ? &t->size
           : strcmp(option, "-o") == 0          ? &t->output
                                                : NULL;
}

static outcome parse(tool *t, int argc, char **argv)
{
    const char *words[4] = {NULL};
    int count = 0;

    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--json") == 0) {
            t->json = true;
        }
        else if (strcmp(argv[i], "--force") == 0) {
            t->force = true;
        }
        else if (strcmp(argv[i], "--help") == 0) {
            put_help();
            return DONE;
        }
        else if (strcmp(argv[i], "--version") == 0) {
            puts("htsession " SX_VERSION);
            return DONE;
        }
        else if (value_of(t, argv[i])) {
            if (i + 1 == argc) {
                return wrong_usage("a value is missing behind", argv[i]);
            }
            *value_of(t, argv[i]) = argv[i + 1];
            i++;
        }
        else if (argv[i][0] == '-') {
            return wrong_usage("there is no option", argv[i]);
        }
        else if (count == 4) {
            return wrong_usage("one argument too many:", argv[i]);
        }
        else {
            words[count++] = argv[i];
        }
    }
    return count > 0 ? dispatch(t, words, count) : wrong_usage(NULL, NULL);
}

/* What the core has to tell. */
static void put_log(sx_log_level level, const char *message)
{
    if (level != SX_LOG_INFO) {
        fprintf(stderr, "htsession: %s\n", message);
    }
}

int main(int argc, char **argv)
{
    tool t = {.terminal = isatty(STDERR_FILENO) == 1};
    outcome result;

    if (!sx_crypto_init() || apr_initialize() != APR_SUCCESS) {
        fputs("htsession: libsodium or APR cannot be used on this host\n",
              stderr);
        return BROKEN;
    }
    sx_log_set(put_log);
    apr_pool_create(&t.pool, NULL);
    result = parse(&t, argc, argv);
    apr_pool_destroy(t.pool);
    if (fflush(stdout) != 0 || ferror(stdout)) {
        perror("htsession: standard output");
        return result == DONE ? BROKEN : (int)result;
    }
    return (int)result;
}
