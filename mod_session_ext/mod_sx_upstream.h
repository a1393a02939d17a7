/* SPDX-License-Identifier: Apache-2.0 */
/* What mod_proxy takes a request to, if it does, and what that may be told. */
#ifndef MOD_SX_UPSTREAM_H
#define MOD_SX_UPSTREAM_H

#include <stdbool.h>

#include "httpd.h"

/** Does ${r} go to a backend that speaks plain HTTP, or to any balancer? */
bool mod_sx_upstream_is_http(request_rec *r);

/** Does ${r} go to a uwsgi gateway? */
bool mod_sx_upstream_is_uwsgi(request_rec *r);

/** Is whoever answers ${r} told of the session: as environment, or by its scope
 *  as request headers?  Of a balancer it is assumed until mod_proxy has put the
 *  URL of a member in its place. */
bool mod_sx_upstream_is_told(request_rec *r);

#endif
