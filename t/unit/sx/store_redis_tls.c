/* SPDX-License-Identifier: Apache-2.0 */
/*
 * TLS to a real redis-server: who is not the host of the URL, or is certified
 * by somebody else, is not talked to; and what holds of a connection without
 * holds of one with it.
 */
#include <time.h>

#include "contract.h"

static char dir[] = "/tmp/sx-redis-tls-XXXXXX";
static const char *port;

static const char *in_dir(const char *name)
{
    return apr_pstrcat(at.pool, dir, "/", name, NULL);
}

static void run_openssl(const char *name, const char *names)
{
    const char *key = apr_pstrcat(at.pool, in_dir(name), ".key", NULL),
               *cert = apr_pstrcat(at.pool, in_dir(name), ".pem", NULL);
    int null = open("/dev/null", O_RDWR);

    dup2(null, 1);
    dup2(null, 2);
    execlp("openssl", "openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
           "ec_paramgen_curve:P-256", "-nodes", "-days", "2", "-subj",
           apr_pstrcat(at.pool, "/CN=", name, NULL), "-addext",
           apr_pstrcat(at.pool, "subjectAltName=", names, NULL), "-keyout", key,
           "-out", cert, NULL);
    _exit(127);
}

static void certify(const char *name, const char *names)
{
    int status;
    pid_t pid = fork();

    if (pid == 0)
        run_openssl(name, names);
    if (pid < 0 || waitpid(pid, &status, 0) != pid || status != 0)
        stage_give_up("openssl makes no certificate");
}

static void start_server(const char *name)
{
    const char *const options[] = {
        "--tls-port",
        port,
        "--tls-cert-file",
        apr_pstrcat(at.pool, in_dir(name), ".pem", NULL),
        "--tls-key-file",
        apr_pstrcat(at.pool, in_dir(name), ".key", NULL),
        "--tls-ca-cert-file",
        in_dir("client.pem"),
        NULL};

    redis_stop();
    redis_start(options);
}

static const char *url_of(const char *host, const char *ca, const char *client)
{
    return apr_psprintf(at.pool,
                        "rediss://%s:%s?ca-file=%s&cert-file=%s.pem&"
                        "key-file=%s.key",
                        host, port, in_dir(ca), in_dir(client), in_dir(client));
}

/* "" if it is talked to. */
static const char *refusal(const char *url)
{
    sx_redis_config config;
    const char *why = sx_redis_config_read(&config, url, at.pool);

    if (!why)
        why = sx_redis_config_load(&config, at.pool);
    return !why && sx_store_redis_open(&config, &why, at.pool) ? "" : why;
}

static bool refuses(const char *url)
{
    return strstr(refusal(url), "not accepted") != NULL ||
           strstr(refusal(url), "connection") != NULL;
}

static void test_who(void)
{
    is_str(refusal(url_of("localhost", "server.pem", "client")), "",
           "a server that is certified for its name is talked to");
    is_str(refusal(url_of("127.0.0.1", "server.pem", "client")), "",
           "or for its address");
    ok(refuses(url_of("localhost", "other.pem", "client")),
       "one that another authority has certified is not");
    ok(refuses(apr_psprintf(at.pool, "rediss://localhost:%s", port)),
       "nor one that none has");
    ok(refuses(url_of("localhost", "server.pem", "other")),
       "and who is not who the server wants is not let in");
    start_server("other");
    ok(refuses(url_of("localhost", "other.pem", "client")),
       "nor one that is certified for another name");
    start_server("server");
}

static void test_files(void)
{
    const char *key = in_dir("client.key");

    ok(strstr(refusal(url_of("localhost", "client.key", "client")),
              "ca-file") != NULL,
       "a file without a certificate is named");
    ok(strstr(refusal(apr_psprintf(at.pool,
                                   "rediss://localhost:%s?cert-file=%s&"
                                   "key-file=%s",
                                   port, in_dir("server.pem"), key)),
              "certificate and its key") != NULL,
       "so is a key that is that of another");
    chmod(key, 0644);
    ok(strstr(refusal(url_of("localhost", "server.pem", "client")),
              "by others") != NULL,
       "a key that others can read is refused");
    chmod(key, 0600);
}

static void test_calls(void)
{
    const size_t most = SX_REDIS_RECORD_MAX;
    char *bytes = apr_palloc(at.pool, most);
    sx_record_meta meta = meta_of(SX_USER), found;
    const unsigned char *key = stage_key(&at);
    long long before = redis_figure("total_connections_received");
    sx_str value = {bytes, most}, got;

    for (size_t i = 0; i < most; i++)
        bytes[i] = (char)(i * 7 + i / 251);
    at.realm.store =
        redis_store(url_of("localhost", "server.pem", "client"), at.pool);
    ok(put(key, 0, value, &meta) == SX_STORE_OK &&
           get(key, &got, &found) == SX_STORE_OK && sx_str_eq(got, value),
       "the largest record goes and comes");
    for (int i = 0; i < 100 && meta.token; i++)
        if (put(key, meta.token, sx_str_of("x"), &meta) != SX_STORE_OK)
            meta.token = 0;
    ok(meta.token != 0 && holds(key, "x"), "a connection is used again");
    is_int(redis_figure("total_connections_received"), before + 1,
           "and is the only one");
}

static int64_t now_us(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

static void test_trouble(void)
{
    sx_record_meta meta = meta_of(SX_USER), found;
    const unsigned char *key = made("x", &meta);
    int64_t began;
    sx_str got;

    kill(redis.pid, SIGSTOP);
    began = now_us();
    ok(get(key, &got, &found) == SX_STORE_UNAVAILABLE &&
           put(key, meta.token, sx_str_of("y"), &meta) != SX_STORE_OK &&
           now_us() - began < 1000000,
       "a server that has stopped is waited for as long as any");
    kill(redis.pid, SIGCONT);
    start_server("server");
    meta = meta_of(SX_USER);
    ok(put(stage_key(&at), 0, sx_str_of("x"), &meta) == SX_STORE_OK,
       "one that is back is there again, and no signal was raised");
}

int main(void)
{
    apr_initialize();
    stage_use(&stage_redis);
    stage_begin(&at);
    port = apr_psprintf(at.pool, "%d", 20000 + (int)(getpid() % 20000));
    if (!mkdtemp(dir))
        stage_give_up("no directory");
    certify("server", "DNS:localhost,IP:127.0.0.1");
    certify("other", "DNS:elsewhere.example.org");
    certify("client", "DNS:client");
    start_server("server");
    test_who();
    test_files();
    test_calls();
    test_trouble();
    (void)nftw(dir, redis_unlink, 8, FTW_DEPTH | FTW_PHYS);
    stage_end(&at);
    return done_testing();
}
