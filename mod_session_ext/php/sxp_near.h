/* SPDX-License-Identifier: Apache-2.0 */
/* The ticket of this request, where httpd's module is in this process. */
#ifndef SXP_NEAR_H
#define SXP_NEAR_H

#include "sxp.h"

/** The ticket, once; NULL: there is none, or it comes in the environment. */
sx_near *sxp_near_take(void);

#endif
