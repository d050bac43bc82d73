/* SPDX-License-Identifier: MIT
 *
 * kdbus-limits.h - the numbers at which a bus says no.
 *
 * They were not part of the public header of 2015, and programs of that time define some of them themselves, therefore they
 * are apart. Each line names the error a program gets beyond the limit. Sizes are in bytes.
 *
 * They are what a domain has unless it was mounted with others (kdbusfs mount -o max-matches=1000; see the manual page), so a
 * program should rather go by the error than count by itself. The numbers in force stand in the file .status/limits of a domain.
 */
#ifndef KDBUS_LIMITS_H
#define KDBUS_LIMITS_H

#define KDBUS_CMD_MAX_SIZE 32768		/* a command with its items: EMSGSIZE */
#define KDBUS_MSG_MAX_SIZE 8192			/* a sent struct kdbus_msg with its items: EINVAL */
#define KDBUS_MSG_MAX_ITEMS 128			/* items in a sent message: E2BIG */
#define KDBUS_MSG_MAX_MEMFD_ITEMS 16		/* PAYLOAD_MEMFD items in a message: E2BIG */
#define KDBUS_MSG_MAX_PAYLOAD_VEC_SIZE 2097152	/* all PAYLOAD_VEC of a message together: EMSGSIZE */
#define KDBUS_CONN_MAX_FDS_PER_USER 16		/* descriptors in a message, and of one user queued at a connection: EMFILE */
#define KDBUS_BUS_BLOOM_MAX_SIZE 4096		/* a bloom filter: EINVAL */
#define KDBUS_NAME_MAX_LEN 255			/* a well-known name, without NUL: EINVAL */
#define KDBUS_SYSNAME_MAX_LEN 63		/* name of a bus or endpoint, description, without NUL: ENAMETOOLONG */
#define KDBUS_MATCH_MAX 256			/* matches of a connection: EMFILE */
#define KDBUS_CONN_MAX_MSGS 256			/* messages of one user queued at a connection: ENOBUFS */
#define KDBUS_CONN_MAX_NAMES 256		/* names owned by a connection: E2BIG */
#define KDBUS_CONN_MAX_REQUESTS_PENDING 128	/* requests of a connection without reply: EMLINK */
#define KDBUS_USER_MAX_CONN 1024		/* connections of a user in a domain: EMFILE */
#define KDBUS_USER_MAX_BUSES 16			/* buses of a user in a domain: EMFILE */

#endif /* KDBUS_LIMITS_H */
