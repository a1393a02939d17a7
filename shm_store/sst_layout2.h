/* SPDX-License-Identifier: Apache-2.0 */
/* Layout version 2, for those that come after it. */
#ifndef SST_LAYOUT2_H
#define SST_LAYOUT2_H

#include "sst_migrate.h"

extern const sst_old sst_layout2;

#endif
