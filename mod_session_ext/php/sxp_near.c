/* SPDX-License-Identifier: Apache-2.0 */
#include "sxp_near.h"

/* Where there is no httpd there is no registry. */
#pragma weak apr_dynamic_fn_retrieve

sx_near *sxp_near_take(void)
{
    static APR_OPTIONAL_FN_TYPE(session_ext_near_ticket) *of_httpd;
    const sx_near_build ours = sx_near_build_of();

    /* Children of httpd find another module only with another process. */
    if (!of_httpd && apr_dynamic_fn_retrieve)
        of_httpd = APR_RETRIEVE_OPTIONAL_FN(session_ext_near_ticket);
    return of_httpd ? of_httpd(&ours) : NULL;
}
