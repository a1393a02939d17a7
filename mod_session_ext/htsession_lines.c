/* SPDX-License-Identifier: Apache-2.0 */
#include "htsession_lines.h"

#include <stdlib.h>

/* Is there room for one more byte? */
static bool grow(lines *in, size_t len)
{
    size_t room = in->room ? in->room * 2 : 4096;
    char *more;

    if (len == in->max)
        return false;
    if (len < in->room)
        return true;
    more = realloc(in->buf, room);
    if (!more)
        return false;
    in->buf = more;
    in->room = room;
    return true;
}

/* Nobody else reads this file, so it need not be locked for each byte. */
bool lines_next(lines *in, sx_str *text)
{
    bool too_long = false;
    size_t len = 0;
    int c;

    while ((c = getc_unlocked(in->from)) != EOF && c != '\n') {
        too_long = too_long || !grow(in, len);
        if (!too_long)
            in->buf[len++] = (char)c;
    }
    if (c == EOF && len == 0 && !too_long)
        return false;
    in->number++;
    *text = (sx_str){too_long ? NULL : len ? in->buf : "", len};
    return !ferror(in->from);
}

void lines_end(lines *in)
{
    free(in->buf);
    in->buf = NULL;
    in->room = 0;
}
