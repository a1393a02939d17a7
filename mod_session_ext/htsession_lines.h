/* SPDX-License-Identifier: Apache-2.0 */
/* Lines of a file that may be anything: none makes this process larger than
 * the longest that is accepted. */
#ifndef HTSESSION_LINES_H
#define HTSESSION_LINES_H

#include <stdio.h>
#include "sx.h"

typedef struct lines {
    FILE *from;
    size_t max;      /* bytes that a line may have */
    uint64_t number; /* of the one that was read last, from 1 on */
    char *buf;
    size_t room;
} lines;

/** The next line, without its newline, until the one after it is asked for;
 *  text->p is NULL if it is too long, and it is passed over.  False: there is
 *  none, or ferror(). */
bool lines_next(lines *in, sx_str *text);

/** Free what it has. */
void lines_end(lines *in);

#endif
