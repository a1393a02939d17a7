/* SPDX-License-Identifier: Apache-2.0 */
#include "mod_sx_private.h"
#include "mod_sx_client.h"

#include <string.h>
#include "http_ssl.h"
#include "mod_sx_parse.h"

static const char accepted[] = "accepted are off, log and kill, and behind log "
                               "and kill ua, ip/8 to ip/32, "
                               "and tls";

/* ---- the directive ------------------------------------------------------ */

const char *mod_sx_bind_mode(mod_sx_dir *dir, const char *word)
{
    static const char *const modes[] = {
        [SX_BIND_OFF] = "off", [SX_BIND_LOG] = "log", [SX_BIND_KILL] = "kill"};

    dir->bind_parts = 0;
    for (int i = 0; i <= SX_BIND_KILL; i++)
        if (!strcasecmp(word, modes[i])) {
            dir->bind = i;
            return NULL;
        }
    return accepted;
}

const char *mod_sx_bind_part(mod_sx_dir *dir, const char *word)
{
    unsigned part;
    apr_int64_t bits;

    if (dir->bind == SX_BIND_OFF)
        return "off stands alone";
    if (!strcasecmp(word, "ua"))
        part = 1U << SX_CLIENT_UA;
    else if (!strcasecmp(word, "tls"))
        part = 1U << SX_CLIENT_TLS;
    else if (!strncasecmp(word, "ip/", 3) &&
             !mod_sx_parse_size(word + 3, &bits) && bits >= 8 && bits <= 32)
        part = 1U << SX_CLIENT_ADDRESS;
    else
        return accepted;
    if (dir->bind_parts & part)
        return "this part is there already";
    dir->bind_parts |= part;
    if (part == 1U << SX_CLIENT_ADDRESS)
        dir->bind_prefix = (int)bits;
    return NULL;
}

/* ---- a request ---------------------------------------------------------- */

static sx_str user_agent(request_rec *r)
{
    const char *said = apr_table_get(r->headers_in, "User-Agent");

    /* To name none is to name something. */
    return sx_str_of(said ? said : "");
}

static void mask(unsigned char *bytes, size_t len, unsigned bits)
{
    for (size_t i = 0; i < len; i++, bits -= bits < 8 ? bits : 8)
        if (bits < 8)
            bytes[i] &= (unsigned char)(0xff00U >> bits);
}

/* Who gets a /24 of IPv4 gets a /56 of IPv6, and one host of IPv4 is one
 * network of it: 32 bits more.  An IPv4 address in IPv6 clothes is one. */
static sx_str network(request_rec *r, unsigned bits)
{
    const apr_sockaddr_t *addr = r->useragent_addr;
    unsigned char *bytes = apr_palloc(r->pool, 17);
    size_t len = 4;

    if (addr->family == APR_INET) {
        memcpy(bytes, &addr->sa.sin.sin_addr, len);
    }
#if APR_HAVE_IPV6
    else if (addr->family == APR_INET6) {
        const unsigned char *all =
            (const unsigned char *)&addr->sa.sin6.sin6_addr;
        bool mapped = IN6_IS_ADDR_V4MAPPED(&addr->sa.sin6.sin6_addr);

        len = mapped ? 4 : 16;
        bits += mapped ? 0 : 32;
        memcpy(bytes, all + 16 - len, len);
    }
#endif
    else { /* a local socket */
        return (sx_str){NULL, 0};
    }
    mask(bytes, len, bits);
    bytes[len] = (unsigned char)bits; /* another mask is another network */
    return (sx_str){(const char *)bytes, len + 1};
}

/* What stays the same from one connection to the next: the certificate, or
 * without one the version of the protocol. */
static sx_str tls(request_rec *r)
{
    static const char *const names[] = {"SSL_CLIENT_CERT", "SSL_PROTOCOL"};

    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        const char *value =
            ap_ssl_var_lookup(r->pool, r->server, r->connection, r, names[i]);

        if (value && *value)
            return sx_str_of(value);
    }
    return sx_str_of("");
}

sx_client mod_sx_client_of(request_rec *r, const mod_sx_dir *dir)
{
    sx_client client = {.bind = (sx_bind)MOD_SX_OR(dir->bind, SX_BIND_LOG)};
    /* Where no part is named, and where nothing is said at all. */
    unsigned parts = dir->bind_parts ? dir->bind_parts : 1U << SX_CLIENT_UA;

    if (client.bind == SX_BIND_OFF)
        return client;
    if (parts & 1U << SX_CLIENT_UA)
        client.part[SX_CLIENT_UA] = user_agent(r);
    if (parts & 1U << SX_CLIENT_ADDRESS)
        client.part[SX_CLIENT_ADDRESS] = network(r, (unsigned)dir->bind_prefix);
    if (parts & 1U << SX_CLIENT_TLS)
        client.part[SX_CLIENT_TLS] = tls(r);
    return client;
}
