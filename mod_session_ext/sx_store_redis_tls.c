/* SPDX-License-Identifier: Apache-2.0 */
#include "sx_store_redis_tls.h"

#include <errno.h>
#include <poll.h>
#include <stdint.h>
#include <sys/socket.h>
#include <apr_strings.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

/* ---- a socket, as OpenSSL's own but for SIGPIPE -------------------------- */

static int fd_of(BIO *bio)
{
    return (int)(intptr_t)BIO_get_data(bio);
}

static bool is_for_later(void)
{
    return errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR;
}

static int write_bytes(BIO *bio, const char *bytes, int len)
{
    ssize_t n = send(fd_of(bio), bytes, (size_t)len, MSG_NOSIGNAL);

    BIO_clear_retry_flags(bio);
    if (n < 0 && is_for_later())
        BIO_set_retry_write(bio);
    return (int)n;
}

static int read_bytes(BIO *bio, char *bytes, int len)
{
    ssize_t n = recv(fd_of(bio), bytes, (size_t)len, 0);

    BIO_clear_retry_flags(bio);
    if (n < 0 && is_for_later())
        BIO_set_retry_read(bio);
    return (int)n;
}

static long control(BIO *bio, int what, long number, void *pointer)
{
    (void)bio;
    (void)number;
    (void)pointer;
    return what == BIO_CTRL_FLUSH;
}

/* ---- what connections share ---------------------------------------------- */

struct sx_redis_tls {
    SSL_CTX *context;
    BIO_METHOD *method;
};

static apr_status_t free_both(void *baton)
{
    const sx_redis_tls *tls = baton;

    SSL_CTX_free(tls->context);
    BIO_meth_free(tls->method);
    return APR_SUCCESS;
}

static bool make_both(sx_redis_tls *tls)
{
    tls->context = SSL_CTX_new(TLS_client_method());
    tls->method = BIO_meth_new(BIO_TYPE_SOCKET, "redis");
    return tls->context && tls->method &&
           BIO_meth_set_write(tls->method, write_bytes) &&
           BIO_meth_set_read(tls->method, read_bytes) &&
           BIO_meth_set_ctrl(tls->method, control);
}

static bool load_authorities(SSL_CTX *context, const char *file)
{
    return file ? SSL_CTX_load_verify_locations(context, file, NULL) == 1
                : SSL_CTX_set_default_verify_paths(context) == 1;
}

static bool load_certificate(SSL_CTX *context, const char *cert,
                             const char *key)
{
    return !cert ||
           (SSL_CTX_use_certificate_chain_file(context, cert) == 1 &&
            SSL_CTX_use_PrivateKey_file(context, key, SSL_FILETYPE_PEM) == 1 &&
            SSL_CTX_check_private_key(context) == 1);
}

const char *sx_redis_tls_load(sx_redis_config *config, apr_pool_t *pool)
{
    sx_redis_tls *tls = apr_pcalloc(pool, sizeof *tls);
    SSL_CTX *context;
    const char *why = NULL;

    apr_pool_cleanup_register(pool, tls, free_both, apr_pool_cleanup_null);
    if (!make_both(tls))
        return "OpenSSL has no memory";
    context = tls->context;
    config->tls = tls;
    SSL_CTX_set_verify(context, SSL_VERIFY_PEER, NULL);
    SSL_CTX_set_mode(context, SSL_MODE_ENABLE_PARTIAL_WRITE |
                                  SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    if (SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION) != 1)
        why = "OpenSSL has no TLS 1.2";
    else if (!load_authorities(context, config->ca_file))
        why = apr_psprintf(pool,
                           "the ca-file '%s' has no certificate that can be "
                           "read",
                           config->ca_file ? config->ca_file : "of OpenSSL");
    else if (!load_certificate(context, config->cert_file, config->key_file))
        why = apr_psprintf(pool,
                           "the cert-file '%s' and the key-file '%s' are no "
                           "certificate and its key",
                           config->cert_file, config->key_file);
    ERR_clear_error();
    return why;
}

/* ---- a connection -------------------------------------------------------- */

/* An address is in a certificate as an address, and in no SNI. */
static bool expect(SSL *tls, const char *host)
{
    X509_VERIFY_PARAM *param = SSL_get0_param(tls);

    if (X509_VERIFY_PARAM_set1_ip_asc(param, host) == 1)
        return true;
    return SSL_set1_host(tls, host) == 1 &&
           SSL_set_tlsext_host_name(tls, host) == 1;
}

struct ssl_st *sx_redis_tls_begin(const sx_redis_config *config, int fd)
{
    SSL *tls = SSL_new(config->tls->context);
    BIO *bio = BIO_new(config->tls->method);

    if (!tls || !bio || !expect(tls, config->host)) {
        ERR_clear_error();
        SSL_free(tls);
        BIO_free(bio);
        return NULL;
    }
    ERR_clear_error();
    BIO_set_data(bio, (void *)(intptr_t)fd);
    BIO_set_init(bio, 1);
    SSL_set_bio(tls, bio, bio);
    SSL_set_connect_state(tls);
    return tls;
}

/* The socket is closed by who has it; a word of farewell would wait for it. */
void sx_redis_tls_end(struct ssl_st *tls)
{
    SSL_set_quiet_shutdown(tls, 1);
    SSL_free(tls);
}

/* What to wait for after ${result}, or 0. */
static short wanted(SSL *tls, int result)
{
    int error = SSL_get_error(tls, result);

    ERR_clear_error(); /* it is of the thread, whose next user is another */
    return error == SSL_ERROR_WANT_READ    ? POLLIN
           : error == SSL_ERROR_WANT_WRITE ? POLLOUT
                                           : 0;
}

int sx_redis_tls_greet(struct ssl_st *tls, short *events)
{
    int result;

    ERR_clear_error();
    result = SSL_do_handshake(tls);
    if (result == 1)
        return 1;
    *events = wanted(tls, result);
    return *events ? -1 : 0;
}

ssize_t sx_redis_tls_send(struct ssl_st *tls, const char *bytes, size_t len,
                          short *events)
{
    size_t done;
    int result;

    ERR_clear_error();
    result = SSL_write_ex(tls, bytes, len, &done);
    if (result == 1)
        return (ssize_t)done;
    *events = wanted(tls, result);
    return -1;
}

ssize_t sx_redis_tls_recv(struct ssl_st *tls, char *bytes, size_t len,
                          short *events)
{
    size_t done;
    int result;

    ERR_clear_error();
    result = SSL_read_ex(tls, bytes, len, &done);
    if (result == 1)
        return (ssize_t)done;
    *events = wanted(tls, result);
    return SSL_get_shutdown(tls) & SSL_RECEIVED_SHUTDOWN ? 0 : -1;
}
