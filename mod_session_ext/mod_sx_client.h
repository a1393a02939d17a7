/* SPDX-License-Identifier: Apache-2.0 */
/* SessionExtBind, and what a request tells of its client. */
#ifndef MOD_SX_CLIENT_H
#define MOD_SX_CLIENT_H

#include "mod_sx_config.h"

/** The words of the directive, in their order.  NULL, or what is accepted. */
const char *mod_sx_bind_mode(mod_sx_dir *dir, const char *word);
const char *mod_sx_bind_part(mod_sx_dir *dir, const char *word);

/** The parts that ${dir} asks for. */
sx_client mod_sx_client_of(request_rec *r, const mod_sx_dir *dir);

#endif
