/* SPDX-License-Identifier: Apache-2.0 */
#include "sx_near.h"

sx_near_build sx_near_build_of(void)
{
    return (sx_near_build){SX_NEAR_LAYOUT, sizeof(sx_near), sizeof(sx_realm),
                           sizeof(sx_committed), sx_keys_blob_size()};
}

bool sx_near_same(const sx_near_build *a, const sx_near_build *b)
{
    return a->layout == b->layout && a->near == b->near &&
           a->realm == b->realm && a->committed == b->committed &&
           a->keys == b->keys;
}
