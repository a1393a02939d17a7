/* SPDX-License-Identifier: Apache-2.0 */
/* A store and keys as a program beside the server has them: opened early and
 * used by what is forked from there, waited for, exchanged, and taken in
 * turns. */
#include "stage.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include "sx_place.h"

static char dir[64], store_file[96], key_file[96];
static apr_pool_t *pool;

static sx_place *place_of(uint64_t make_size)
{
    const sx_place_config config = {store_file, key_file, make_size};

    return sx_place_create(&config, pool);
}

static int64_t now(void)
{
    return sx_place_now().boot_ms;
}

static void test_made(void)
{
    sx_place *place = place_of(0);
    struct stat st;

    ok(strstr(sx_place_open(place), store_file) &&
           strstr(sx_place_open(place), "its server makes it"),
       "without a store there is none: %s", sx_place_open(place));
    ok(sx_place_enter(place, 0, now()), "nor can one be entered");
    sx_place_close(place);
    place = place_of(4 * MIB);
    ok(!sx_place_open(place), "with a size one is made");
    ok(stat(store_file, &st) == 0 && st.st_size == (off_t)(4 * MIB) &&
           (st.st_mode & 0777) == 0600,
       "of that size, closed to others");
    ok(stat(key_file, &st) == 0 && (st.st_mode & 0777) == 0600, "and keys");
    ok(!sx_place_enter(place, 0, now()) && sx_place_store(place),
       "and can be entered");
    sx_place_close(place);
}

static void test_life(void)
{
    sx_place *place = place_of(0);
    const sx_store *store;
    char other[120];
    uint64_t life;

    ok(!sx_place_open(place) && !sx_place_enter(place, 0, now()),
       "a store that is there is opened");
    life = sx_place_store(place)->ops->life(sx_place_store(place));
    ok(!sx_place_enter(place, life, now()), "it is the one that is meant");
    store = sx_place_store(place);
    ok(strstr(sx_place_enter(place, life + 1, now()), "not the one"),
       "or is told to be another");
    ok(sx_place_store(place) == store, "and stays open: its file is the same");
    ok(!sx_place_enter(place, life, now()), "which is asked anew each time");
    snprintf(other, sizeof(other), "%s.other", store_file);
    rename(store_file, other);
    ok(sx_place_enter(place, life + 1, now()), "its file has gone");
    rename(other, store_file);
    ok(!sx_place_enter(place, life, now()), "and is back");
    sx_place_close(place);
}

/* How many of ten visitors, each with as much as one per cent of the store
 * holds, are left. */
static int left_of_ten(sx_place *place, unsigned char first)
{
    sx_store *store = sx_place_store(place);
    const sx_str bytes = {apr_pcalloc(pool, 30000), 30000};
    unsigned char key[SX_STORE_KEY_LEN] = {first};
    sx_record_meta meta;
    sx_str found;
    int left = 0;

    for (key[1] = 0; key[1] < 10; key[1]++) {
        meta = (sx_record_meta){
            .kind = SX_ANONYMOUS,
            .ns = 1,
            .created_ms = now(),
            .last_access_ms = now(),
            .expires_ms = now() + HOUR,
            .hard_end_ms = now() + HOUR,
        };
        (void)store->ops->put_if(store, key, 0, bytes, &meta, now());
    }
    for (key[1] = 0; key[1] < 10; key[1]++)
        left += store->ops->get(store, key, &found, &meta, 0, now(), pool) ==
                SX_STORE_OK;
    return left;
}

/* As /var/run is one. */
static void test_link(void)
{
    char link[80], behind[120];
    sx_place_config config = {behind, key_file, 0};
    sx_place *place;

    snprintf(link, sizeof(link), "%s.link", dir);
    snprintf(behind, sizeof(behind), "%s/store", link);
    if (symlink(dir, link) != 0)
        stage_give_up("no link");
    place = sx_place_create(&config, pool);
    ok(!sx_place_open(place), "its directory may be a link");
    sx_place_close(place);
    unlink(link);
}

static void test_rules(void)
{
    const sx_place_rules narrow = {.max_anonymous = 1}, wide = {0};
    sx_place *place = place_of(0);

    ok(!sx_place_enter(place, 0, now()), "to enter opens");
    is_int(left_of_ten(place, 1), 10, "without a rule visitors have all of it");
    sx_place_obey(place, &narrow);
    ok(left_of_ten(place, 2) < 10, "by a rule they have a part of it");
    sx_place_obey(place, &wide);
    is_int(left_of_ten(place, 3), 10, "and without it all again");
    is_int((long long)sx_place_sweep(place, 1000000, now()), 0,
           "nothing is swept that lives");
    ok(sx_place_sweep(place, 1000000, now() + 2 * HOUR) >= 10,
       "and what has ended is, and is counted");
    sx_place_close(place);
}

static void write_keys(const char *line)
{
    int fd = open(key_file, O_WRONLY | O_TRUNC);

    if (fd < 0 || write(fd, line, strlen(line)) < 0)
        stage_give_up("no key file");
    close(fd);
}

static void test_keys(void)
{
    sx_place *place = place_of(0);
    unsigned char kid;

    ok(!sx_place_open(place), "keys are read");
    kid = sx_keys_first(sx_place_keys(place));
    write_keys("no key\n");
    ok(!sx_place_reread_keys(place) &&
           sx_keys_first(sx_place_keys(place)) == kid,
       "those of before stay, if there are none in the file");
    write_keys("9:AQIDBAUGBwgJCgsMDQ4PEBESExQVFhcYGRobHB0eHyA=\n");
    ok(sx_place_reread_keys(place) && sx_keys_first(sx_place_keys(place)) == 9,
       "others take their place");
    sx_place_close(place);
}

static bool at_once(void)
{
    return true;
}

static void on_alarm(int number)
{
    (void)number;
}

/* In a process of its own, which has not opened what it uses: does it get the
 * turn within a moment? */
static bool child_gets_turn(sx_place *place, uint64_t handle)
{
    int status = 1;
    pid_t pid = fork();

    if (pid == 0) {
        struct sigaction action = {.sa_handler = on_alarm};

        sigaction(SIGALRM, &action, NULL);
        ualarm(200000, 0);
        _exit(sx_place_take_turn(place, handle, at_once) ? 0 : 1);
    }
    waitpid(pid, &status, 0);
    return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

static void test_turns(void)
{
    sx_place *place = place_of(0);
    const uint64_t a = UINT64_C(0xffffffffffffff00), b = 0x100;
    pid_t pid;

    ok(!sx_place_open(place), "opened where a program begins");
    ok(child_gets_turn(place, a), "a turn is had");
    ok(child_gets_turn(place, a), "and is free when its process has ended");
    ok(sx_place_take_turn(place, a, NULL) && sx_place_take_turn(place, a, NULL),
       "who has it has it again");
    ok(!child_gets_turn(place, a), "and no other has it");
    ok(child_gets_turn(place, b), "but that of another session");
    ok(!sx_place_enter(place, 0, now()), "to enter the store");
    ok(!child_gets_turn(place, a), "gives up no turn");
    sx_place_end_turn(place, a);
    ok(child_gets_turn(place, a), "it ends when it is said to");
    pid = fork();
    if (pid == 0) {
        (void)sx_place_take_turn(place, a, NULL);
        pause();
        _exit(0);
    }
    while (child_gets_turn(place, a) && waitpid(pid, NULL, WNOHANG) == 0)
        continue;
    kill(pid, SIGKILL);
    ok(sx_place_take_turn(place, a, NULL), "or when its process is killed");
    waitpid(pid, NULL, 0);
    sx_place_close(place);
    sx_place_close(NULL);
}

int main(void)
{
    alarm(60); /* a turn that does not come is a failure, not a wait */
    apr_initialize();
    apr_pool_create(&pool, NULL);
    if (!sx_crypto_init())
        stage_give_up("no libsodium");
    memcpy(dir, "/tmp/sx-place-XXXXXX", sizeof("/tmp/sx-place-XXXXXX"));
    if (!mkdtemp(dir))
        stage_give_up("no scratch directory");
    snprintf(store_file, sizeof(store_file), "%s/store", dir);
    snprintf(key_file, sizeof(key_file), "%s/keys", dir);
    test_made();
    test_life();
    test_link();
    test_rules();
    test_keys();
    test_turns();
    unlink(store_file);
    unlink(key_file);
    rmdir(dir);
    apr_pool_destroy(pool);
    apr_terminate();
    return done_testing();
}
