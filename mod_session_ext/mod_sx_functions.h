/* SPDX-License-Identifier: Apache-2.0 */
/* The optional functions of mod_session_ext.h. */
#ifndef MOD_SX_FUNCTIONS_H
#define MOD_SX_FUNCTIONS_H

/** Let other modules find them: when hooks are registered. */
void mod_sx_functions_register(void);

#endif
