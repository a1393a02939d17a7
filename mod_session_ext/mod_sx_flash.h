/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Flash messages and HTTP: to whom they are handed, and whether that has shown
 * them.
 *
 * Handing out is a write (sx_flash.h), so it happens at the last moment, when
 * the handler of an app or a filter that reads the environment is about to
 * run, and not in fixups, which run for plain files and redirects as well.
 */
#ifndef MOD_SX_FLASH_H
#define MOD_SX_FLASH_H

#include "mod_sx_visit.h"

/** Does this Sec-Fetch-Dest ask for a page that somebody looks at? */
bool mod_sx_flash_is_page_dest(const char *dest);

/** Will core's own handler answer ${r}, with a file, an error or a redirect? */
bool mod_sx_flash_is_core(request_rec *r);

/** Is the plain file of ${r} going through a filter that may read the
 *  environment?  When all filters are there. */
bool mod_sx_flash_is_parsed(request_rec *r);

/** The messages that ${r} has been handed, or its page has if it is a part of
 *  one; NULL: none. */
const apr_array_header_t *mod_sx_flash_of(request_rec *r);

/**
 * Hand messages to ${r}: for whatever is about to read them.  Takes what waits
 * at the first call; NULL: there is none, or none for this request.  Once the
 * response has begun nothing is taken.
 */
const apr_array_header_t *mod_sx_flash_take(request_rec *r);

/** Has the response of ${r}, which is about to leave, shown them? */
bool mod_sx_flash_was_shown(request_rec *r, const mod_sx_visit *visit);

/** The same for a request that is over and has passed no filter of ours. */
bool mod_sx_flash_went_around(request_rec *r);

#endif
