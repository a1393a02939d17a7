/* SPDX-License-Identifier: Apache-2.0 */
/* To be loaded before everything else: PHP opens its extensions with
 * RTLD_DEEPBIND, which sanitizers refuse.  Here it opens them without. */
#include <dlfcn.h>

void *dlopen(const char *file, int mode);

void *dlopen(const char *file, int mode)
{
    static void *(*next)(const char *, int);

    if (!next)
        *(void **)&next = dlsym(RTLD_NEXT, "dlopen");
    return next(file, mode & ~RTLD_DEEPBIND);
}
