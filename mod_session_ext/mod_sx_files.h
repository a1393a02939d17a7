/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Stores of files (SessionExtStore file:DIR) in httpd: the directory is judged
 * and made by the parent, which reads only names in it; each child opens it.
 */
#ifndef MOD_SX_FILES_H
#define MOD_SX_FILES_H

#include "mod_sx_kind.h"

extern const mod_sx_kind mod_sx_files;

#endif
