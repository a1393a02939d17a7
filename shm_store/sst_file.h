/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Locks on the file, by byte.  Server and users are open-file-description
 * locks: children inherit them, and the mapping keeps the description open,
 * so an orphan of a killed parent still holds its server's lock.  The other
 * two belong to one process each and vanish with it.
 */
#ifndef SST_FILE_H
#define SST_FILE_H

#include "sst_handle.h"

enum {
    SST_BYTE_SERVER, /* exclusive: one server a file */
    SST_BYTE_USERS,  /* shared: tools; exclusive while an attacher looks */
    SST_BYTE_ATTACH, /* exclusive, by process: one attaches at a time */
    SST_BYTE_INSIDE, /* shared, by process: has attached and lives */
    SST_BYTE_LEAVE   /* exclusive, by process: one leaves at a time */
};

/** Set (F_RDLCK, F_WRLCK) or clear (F_UNLCK) a lock of the description. */
bool sst_file_lock(int fd, short type, int byte);

/** The same for a lock of the process. */
bool sst_process_lock(int fd, short type, int byte);

/** Would somebody else's lock keep us from ${byte}?  Asks for a lock of the
 *  description, or of the process. */
bool sst_file_locked(int fd, int byte, bool by_process);

/** Take the lock of who attaches; sst_process_lock gives it back.  False if it
 *  cannot be had within ${wait_ms}. */
bool sst_attach_queue(int fd, long wait_ms);

/**
 * Close a descriptor of a segment's file.  Closing any one of them gives up all
 * locks that the process itself has on that file, also those of another handle
 * (two libraries in one process, such as httpd's module and PHP's extension,
 * may each have one).  So where there is another descriptor, and a lock, ${fd}
 * only gives up those of its description, and stays open as long as the
 * process.
 */
void sst_file_close(int fd);

/** nanosleep for ${ms}. */
void sst_pause_ms(long ms);

#endif
