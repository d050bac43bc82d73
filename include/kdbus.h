/* SPDX-License-Identifier: MIT
 *
 * kdbus.h - the kdbus interface for C and C++ programs.
 *
 * A domain is a mounted file system, a bus is a directory in it, an endpoint is a file in that directory. A program opens
 * files and speaks to them with ioctl(2), poll(2) and mmap(2); every ioctl number, structure and constant it needs is here.
 * Numbers, names and layouts are those of the kdbus of 2015, so a program written for it compiles and runs unchanged.
 *
 * Rules that hold everywhere:
 *   - An ioctl returns 0, or -1 with errno set. It never returns a positive value.
 *   - All integers are in host byte order; all structures are aligned to 8 bytes and look the same to 32-bit and 64-bit callers.
 *   - A command is a structure of fixed size followed by items. Its first three members are always
 *       size          bytes of the structure and its items together, at most 32768 (EMSGSIZE)
 *       flags         what is asked for; a bit the command does not know is EINVAL
 *       return_flags  written by the bus, also when the command failed
 *   - Variable-size results are not written behind the command but into the connection's pool: the command tells an offset
 *     into it, and the place stays taken until KDBUS_CMD_FREE is told the same offset.
 *   - Times are nanoseconds of CLOCK_MONOTONIC unless a member says otherwise.
 *
 * The direction bits in the ioctl numbers are historical: every command is read *and* written by the bus.
 */
#ifndef KDBUS_H
#define KDBUS_H

#include <sys/ioctl.h>
#include <linux/types.h>

#ifdef __cplusplus
extern "C" {
#endif

#define KDBUS_ALIGNED __attribute__((__aligned__(8)))

/* Neither C99 nor C++ knows both anonymous unions and arrays of no elements; every compiler that targets Linux does. */
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wpedantic"

#define KDBUS_IOCTL_MAGIC 0x95

/* statfs(2) of the in-kernel file system ("DBus"). A domain served through FUSE reports FUSE's own number. */
#ifndef KDBUS_SUPER_MAGIC
#define KDBUS_SUPER_MAGIC 0x44427573
#endif

/* ---- identifiers ---------------------------------------------------------------------------------------------------- */

/* A connection id is unique in its domain and never used again. Neither 0 nor all-ones is ever given to a connection. */
#define KDBUS_SRC_ID_KERNEL (0)			/* kdbus_msg.src_id: the message was made by the bus itself */
#define KDBUS_DST_ID_NAME (0)			/* kdbus_msg.dst_id: the receiver is named by a DST_NAME item */
#define KDBUS_DST_ID_BROADCAST (~0ULL)		/* kdbus_msg.dst_id: everybody with a match for it */
#define KDBUS_MATCH_ID_ANY (~0ULL)		/* ID item and notification matches: any connection */

/* In the flags of any command: do nothing but replace `flags` by the set of flags this bus understands. */
#define KDBUS_FLAG_NEGOTIATE (1ULL << 63)

/* kdbus_msg.payload_type. Programs may use any value but KDBUS_PAYLOAD_KERNEL. */
#define KDBUS_PAYLOAD_KERNEL (0)		/* no payload; one notification item */
#define KDBUS_PAYLOAD_DBUS (0x4442757344427573ULL)	/* a D-Bus message ("DBusDBus") */

/* ---- items ---------------------------------------------------------------------------------------------------------- */

/*
 * What an item is, by number range: 0x1 items programs give, 0x1000 metadata, 0x2000 policy, 0x8000 notifications.
 * The comment names the member of struct kdbus_item that holds the payload, and where the item is accepted or produced.
 */
enum kdbus_item_type {
	_KDBUS_ITEM_NULL = 0,			/* never valid */

	_KDBUS_ITEM_USER_BASE = 0x1,
	KDBUS_ITEM_NEGOTIATE = 0x1,		/* data64: item types; those the command does not know are set to 0. Any command */
	KDBUS_ITEM_PAYLOAD_VEC = 0x2,		/* vec: address and size in the sender's memory; address 0 = that many zero bytes */
	KDBUS_ITEM_PAYLOAD_OFF = 0x3,		/* vec: offset from the message header and size in the receiver's pool; ~0 = zeros */
	KDBUS_ITEM_PAYLOAD_MEMFD = 0x4,		/* memfd: a range of a memfd sealed SEAL|SHRINK|GROW|WRITE; at most 16 in a message */
	KDBUS_ITEM_FDS = 0x5,			/* fds: up to 16 open descriptors, once in a message */
	KDBUS_ITEM_CANCEL_FD = 0x6,		/* fds[0]: SEND: a synchronous call ends with ECANCELED when it becomes readable */
	KDBUS_ITEM_BLOOM_PARAMETER = 0x7,	/* bloom_parameter: BUS_MAKE; told by HELLO */
	KDBUS_ITEM_BLOOM_FILTER = 0x8,		/* bloom_filter: what a signal is about; required in signals, as long as the bus says */
	KDBUS_ITEM_BLOOM_MASK = 0x9,		/* data64: MATCH_ADD: one or more masks, each as long as the bus says */
	KDBUS_ITEM_DST_NAME = 0xa,		/* str: message: receiver by well-known name */
	KDBUS_ITEM_MAKE_NAME = 0xb,		/* str: BUS_MAKE, ENDPOINT_MAKE: "<euid>-<name>", at most 63 characters */
	KDBUS_ITEM_ATTACH_FLAGS_SEND = 0xc,	/* data64[0]: BUS_MAKE, UPDATE */
	KDBUS_ITEM_ATTACH_FLAGS_RECV = 0xd,	/* data64[0]: BUS_MAKE, UPDATE */
	KDBUS_ITEM_ID = 0xe,			/* id: MATCH_ADD: signals of this sender */
	KDBUS_ITEM_NAME = 0xf,			/* str: a well-known name; HELLO, UPDATE, CONN_INFO, NAME_*, MATCH_ADD, ENDPOINT_UPDATE */
	KDBUS_ITEM_FD_SOCKET = 0x20,		/* fds[0]: extension: RECV, SEND: a unix socket on which descriptors are to come */
	KDBUS_ITEM_ON_BEHALF = 0x21,		/* fds[0]: extension: RECV, SEND: a pidfd: the command is issued for that thread */
	KDBUS_ITEM_PAYLOAD_INLINE = 0x22,	/* data[]: extension: sending: payload that stands in the item itself */
	KDBUS_ITEM_FREE = 0x23,			/* data64[]: extension: EXCHANGE: offsets of slices to give back */

	_KDBUS_ITEM_ATTACH_BASE = 0x1000,	/* bit n of the attach flags asks for item 0x1000 + n */
	KDBUS_ITEM_TIMESTAMP = 0x1000,		/* timestamp */
	KDBUS_ITEM_CREDS = 0x1001,		/* creds */
	KDBUS_ITEM_PIDS = 0x1002,		/* pids */
	KDBUS_ITEM_AUXGROUPS = 0x1003,		/* data64: supplementary group ids, maybe none */
	KDBUS_ITEM_OWNED_NAME = 0x1004,		/* name: one item for each well-known name the connection owns */
	KDBUS_ITEM_TID_COMM = 0x1005,		/* str: name of the thread. Under the sender's control, as the next three are */
	KDBUS_ITEM_PID_COMM = 0x1006,		/* str: name of the process */
	KDBUS_ITEM_EXE = 0x1007,		/* str: path of the program */
	KDBUS_ITEM_CMDLINE = 0x1008,		/* str: argv[0] */
	KDBUS_ITEM_CGROUP = 0x1009,		/* str: cgroup path */
	KDBUS_ITEM_CAPS = 0x100a,		/* caps */
	KDBUS_ITEM_SECLABEL = 0x100b,		/* str: label of the security module */
	KDBUS_ITEM_AUDIT = 0x100c,		/* audit */
	KDBUS_ITEM_CONN_DESCRIPTION = 0x100d,	/* str: HELLO: free text for debugging, at most 63 of A-Z a-z 0-9 _ - . */
	KDBUS_ITEM_PIDFS_ID = 0x1020,		/* id: extension: number of the process that no other one gets until reboot */
	KDBUS_ITEM_START_TIME = 0x1021,		/* data64[0]: extension: CLOCK_BOOTTIME time of its start, ns; exact to a clock tick */
	KDBUS_ITEM_PIDFD = 0x1022,		/* fds[0]: extension: a pidfd of the process, -1 if it cannot be had here */

	_KDBUS_ITEM_POLICY_BASE = 0x2000,
	KDBUS_ITEM_POLICY_ACCESS = 0x2000,	/* policy_access: applies to the NAME item before it */

	_KDBUS_ITEM_KERNEL_BASE = 0x8000,
	KDBUS_ITEM_NAME_ADD = 0x8000,		/* name_change: a name got its first owner */
	KDBUS_ITEM_NAME_REMOVE = 0x8001,	/* name_change: a name has no owner any more */
	KDBUS_ITEM_NAME_CHANGE = 0x8002,	/* name_change: a name went from one owner to another */
	KDBUS_ITEM_ID_ADD = 0x8003,		/* id_change: a connection came */
	KDBUS_ITEM_ID_REMOVE = 0x8004,		/* id_change: a connection went */
	KDBUS_ITEM_REPLY_TIMEOUT = 0x8005,	/* empty: no reply came in time; msg.cookie_reply says to what */
	KDBUS_ITEM_REPLY_DEAD = 0x8006		/* empty: the one who should reply is gone or threw the request away */
};

/* PAYLOAD_VEC, PAYLOAD_OFF; 16 bytes. The sizes of all vecs of a message together may be 2 MiB. */
struct kdbus_vec {
	__u64 size;			/* bytes, not 0 */
	union {
		__u64 address;		/* sending: address in the caller's memory */
		__u64 offset;		/* receiving: bytes from the first byte of the kdbus_msg; ~0ULL stands for `size` zero bytes */
	};
} KDBUS_ALIGNED;

/* PAYLOAD_MEMFD; 24 bytes. The received descriptor is the receiver's to close; -1 if it could not be installed. */
struct kdbus_memfd {
	__u64 start;			/* first byte of the range */
	__u64 size;			/* bytes of the range, not 0; beyond the end of the file: EBADF */
	int fd;
	__u32 __pad;
} KDBUS_ALIGNED;

/* BLOOM_PARAMETER; 16 bytes. The bus compares filters and masks of this size and does not look into them. */
struct kdbus_bloom_parameter {
	__u64 size;			/* bytes: a multiple of 8, 8 to 4096 */
	__u64 n_hash;			/* number of hash functions, at least 1; a convention among the peers */
} KDBUS_ALIGNED;

/* BLOOM_FILTER; 8 bytes and the filter. */
struct kdbus_bloom_filter {
	__u64 generation;		/* which of the masks of a match to compare with; the last one if there are fewer */
	__u64 data[0];
} KDBUS_ALIGNED;

/* OWNED_NAME; 8 bytes and the name with its NUL. */
struct kdbus_name {
	__u64 flags;			/* KDBUS_NAME_* */
	char name[0];
} KDBUS_ALIGNED;

/* POLICY_ACCESS; 24 bytes: who may do what with a name. */
struct kdbus_policy_access {
	__u64 type;			/* KDBUS_POLICY_ACCESS_* */
	__u64 access;			/* KDBUS_POLICY_SEE, _TALK or _OWN; a level includes the lower ones */
	__u64 id;			/* uid or gid; ignored for the world */
} KDBUS_ALIGNED;

/* TIMESTAMP; 24 bytes: when the message was sent. */
struct kdbus_timestamp {
	__u64 seqnum;			/* grows with every message of the domain, with gaps; the same in all copies of one message */
	__u64 monotonic_ns;		/* CLOCK_MONOTONIC */
	__u64 realtime_ns;		/* CLOCK_REALTIME */
} KDBUS_ALIGNED;

/* CREDS; 64 bytes: credentials(7) of the sending thread, in the reader's user namespace; 65534 = has no name there. */
struct kdbus_creds {
	__u64 uid;
	__u64 euid;
	__u64 suid;
	__u64 fsuid;
	__u64 gid;
	__u64 egid;
	__u64 sgid;
	__u64 fsgid;
} KDBUS_ALIGNED;

/* PIDS; 24 bytes, translated into the reader's pid namespace; 0 = not visible there. */
struct kdbus_pids {
	__u64 pid;			/* process */
	__u64 tid;			/* thread */
	__u64 ppid;			/* parent process */
} KDBUS_ALIGNED;

/* CAPS; capabilities(7): four sets, inheritable, permitted, effective, bounding, of last_cap / 32 + 1 words each. */
struct kdbus_caps {
	__u32 last_cap;			/* highest capability the kernel knows */
	__u32 caps[0];
} KDBUS_ALIGNED;

/* AUDIT; 8 bytes. */
struct kdbus_audit {
	__u32 sessionid;
	__u32 loginuid;
} KDBUS_ALIGNED;

/* ID_ADD, ID_REMOVE; 16 bytes. */
struct kdbus_notify_id_change {
	__u64 id;			/* the connection; 0 = nobody, in a name change */
	__u64 flags;			/* KDBUS_HELLO_* of the connection; in a name change the KDBUS_NAME_* of the owner */
} KDBUS_ALIGNED;

/* NAME_ADD, NAME_REMOVE, NAME_CHANGE; 32 bytes and the name with its NUL. In a match: a filter for the same members. */
struct kdbus_notify_name_change {
	struct kdbus_notify_id_change old_id;
	struct kdbus_notify_id_change new_id;
	char name[0];
} KDBUS_ALIGNED;

/*
 * An item: 16 bytes of header, then the payload. `size` counts both but not the padding: the next item starts at the next
 * multiple of 8. sizeof(struct kdbus_item) is that of the largest view and says nothing about any particular item.
 */
struct kdbus_item {
	__u64 size;			/* 16 + bytes of payload */
	__u64 type;			/* enum kdbus_item_type */
	union {
		__u8 data[0];
		__u32 data32[0];
		__u64 data64[0];
		char str[0];
		int fds[0];
		__u64 id;
		struct kdbus_vec vec;
		struct kdbus_memfd memfd;
		struct kdbus_bloom_parameter bloom_parameter;
		struct kdbus_bloom_filter bloom_filter;
		struct kdbus_name name;
		struct kdbus_policy_access policy_access;
		struct kdbus_timestamp timestamp;
		struct kdbus_creds creds;
		struct kdbus_pids pids;
		struct kdbus_caps caps;
		struct kdbus_audit audit;
		struct kdbus_notify_id_change id_change;
		struct kdbus_notify_name_change name_change;
	};
} KDBUS_ALIGNED;

/* ---- messages ------------------------------------------------------------------------------------------------------- */

enum kdbus_msg_flags {
	KDBUS_MSG_EXPECT_REPLY = 1 << 0,	/* a request: exactly one reply may come until timeout_ns; needs cookie and timeout_ns */
	KDBUS_MSG_NO_AUTO_START = 1 << 1,	/* EADDRNOTAVAIL instead of delivery to an activator */
	KDBUS_MSG_SIGNAL = 1 << 2		/* delivered only to who has a match for it; needs a BLOOM_FILTER item */
};

/*
 * A message; 64 bytes and items, together at most 8192 bytes and 128 items when sent. The payload itself is elsewhere: items
 * point to it. The receiver finds the same header in its pool with true src_id, its items followed by metadata.
 */
struct kdbus_msg {
	__u64 size;			/* header and items; never includes payload bytes */
	__u64 flags;			/* KDBUS_MSG_* */
	__s64 priority;			/* smaller is more urgent; matters to RECV with USE_PRIORITY only */
	__u64 dst_id;			/* connection id, KDBUS_DST_ID_NAME or KDBUS_DST_ID_BROADCAST */
	__u64 src_id;			/* sending: 0 or the own id (else EINVAL); receiving: the sender, 0 = the bus */
	__u64 payload_type;		/* KDBUS_PAYLOAD_DBUS or any other value but 0 */
	__u64 cookie;			/* the sender's number for this message; a request needs one that is not 0 */
	union {
		__u64 timeout_ns;	/* request: absolute CLOCK_MONOTONIC time until which a reply may come, not 0 */
		__u64 cookie_reply;	/* otherwise: cookie of the request this replies to, 0 = no reply */
	};
	struct kdbus_item items[0];
} KDBUS_ALIGNED;

/* Where a received message lies; 24 bytes. Nothing there: offset = pool size, msg_size = 0; freeing that does nothing. */
struct kdbus_msg_info {
	__u64 offset;			/* of the kdbus_msg in the pool; give it to KDBUS_CMD_FREE when done */
	__u64 msg_size;			/* bytes of pool used by header, items and payload; a multiple of 8 */
	__u64 return_flags;		/* KDBUS_RECV_RETURN_INCOMPLETE_FDS */
} KDBUS_ALIGNED;

/* What a connection or the bus is; 24 bytes and items. Records of LIST follow each other at the distance `size`. */
struct kdbus_info {
	__u64 size;			/* header and items, a multiple of 8 */
	__u64 id;			/* of the connection, or of the bus (BUS_CREATOR_INFO) */
	__u64 flags;			/* KDBUS_HELLO_* of the connection, or KDBUS_MAKE_* of the bus */
	struct kdbus_item items[0];
} KDBUS_ALIGNED;

/* ---- metadata masks ------------------------------------------------------------------------------------------------- */

/* An item of metadata is delivered only if the sender allows it (attach_flags_send) and the receiver wants it. */
enum kdbus_attach_flags {
	KDBUS_ATTACH_TIMESTAMP = 1 << 0,
	KDBUS_ATTACH_CREDS = 1 << 1,
	KDBUS_ATTACH_PIDS = 1 << 2,
	KDBUS_ATTACH_AUXGROUPS = 1 << 3,
	KDBUS_ATTACH_NAMES = 1 << 4,
	KDBUS_ATTACH_TID_COMM = 1 << 5,
	KDBUS_ATTACH_PID_COMM = 1 << 6,
	KDBUS_ATTACH_EXE = 1 << 7,
	KDBUS_ATTACH_CMDLINE = 1 << 8,
	KDBUS_ATTACH_CGROUP = 1 << 9,
	KDBUS_ATTACH_CAPS = 1 << 10,
	KDBUS_ATTACH_SECLABEL = 1 << 11,
	KDBUS_ATTACH_AUDIT = 1 << 12,
	KDBUS_ATTACH_CONN_DESCRIPTION = 1 << 13,
	_KDBUS_ATTACH_ALL = (1 << 14) - 1
};
#define _KDBUS_ATTACH_ANY (~0ULL)	/* as good as _KDBUS_ATTACH_ALL */

/* Extensions, which _KDBUS_ATTACH_ANY does not mean. Any bit that is not here is EINVAL, as these are where they are unknown. */
#define KDBUS_ATTACH_PIDFS_ID (1ULL << 32)
#define KDBUS_ATTACH_START_TIME (1ULL << 33)
#define KDBUS_ATTACH_PIDFD (1ULL << 34)

/* ---- making a bus or an endpoint ------------------------------------------------------------------------------------ */

enum kdbus_make_flags {
	KDBUS_MAKE_ACCESS_GROUP = 1 << 0,	/* directory r-x, endpoint rw- for the group */
	KDBUS_MAKE_ACCESS_WORLD = 1 << 1	/* the same for group and others */
};

/* Commands that are told everything by items; 24 bytes. */
struct kdbus_cmd {
	__u64 size;
	__u64 flags;
	__u64 return_flags;
	struct kdbus_item items[0];
} KDBUS_ALIGNED;

/*
 * On the file `control`. Items: MAKE_NAME and BLOOM_PARAMETER (required), ATTACH_FLAGS_RECV (what every connection must allow),
 * ATTACH_FLAGS_SEND (what BUS_CREATOR_INFO may tell). The bus ends when the last descriptor of this open file is closed.
 * EINVAL, ENAMETOOLONG, EEXIST, EMFILE (more than 16 buses of the user), EBADFD (not `control`, or used already).
 */
#define KDBUS_CMD_BUS_MAKE _IOW(KDBUS_IOCTL_MAGIC, 0x00, struct kdbus_cmd)

/*
 * On an endpoint opened by the bus owner or with CAP_IPC_OWNER (else EPERM): one more door to the bus with a policy of its own,
 * at first empty: nobody may do anything. Item: MAKE_NAME. It ends when the last descriptor of this open file is closed.
 * kdbusfs takes it on `control` as well, with the MAKE_NAME "<bus>/<euid>-<name>" (ENOENT: no such bus); see docs/extensions.md.
 */
#define KDBUS_CMD_ENDPOINT_MAKE _IOW(KDBUS_IOCTL_MAGIC, 0x10, struct kdbus_cmd)

/* On the descriptor that made the endpoint: replace its policy. Items: NAME, each followed by its POLICY_ACCESS items. */
#define KDBUS_CMD_ENDPOINT_UPDATE _IOW(KDBUS_IOCTL_MAGIC, 0x11, struct kdbus_cmd)

/* ---- connections ---------------------------------------------------------------------------------------------------- */

/* At most one of the last three. They need privilege: the bus owner or CAP_IPC_OWNER, on the endpoint `bus`; else EPERM. */
enum kdbus_hello_flags {
	KDBUS_HELLO_ACCEPT_FD = 1 << 0,		/* descriptors may be sent to this connection; without it such a send is ECOMM */
	KDBUS_HELLO_ACTIVATOR = 1 << 1,		/* holds a name while nobody owns it; what is sent to the name waits here */
	KDBUS_HELLO_POLICY_HOLDER = 1 << 2,	/* carries policy for a name and does nothing else */
	KDBUS_HELLO_MONITOR = 1 << 3		/* gets a copy of everything, is seen by nobody, cannot send */
};

/*
 * 96 bytes. Items: CONN_DESCRIPTION; NAME and POLICY_ACCESS for activators and policy holders; CREDS, PIDS, SECLABEL of another
 * process for the privileged who speak in its name.
 */
struct kdbus_cmd_hello {
	__u64 size;
	__u64 flags;			/* KDBUS_HELLO_* */
	__u64 return_flags;
	__u64 attach_flags_send;	/* metadata others may get about us; must include what the bus requires (ECONNREFUSED) */
	__u64 attach_flags_recv;	/* metadata we want with each message */
	__u64 bus_flags;		/* out: KDBUS_MAKE_* of the bus */
	__u64 id;			/* out: our connection id */
	__u64 pool_size;		/* bytes, a multiple of the page size, not 0 */
	__u64 offset;			/* out: items in the pool: BLOOM_PARAMETER. Free it when read */
	__u64 items_size;		/* out: bytes there */
	__u8 id128[16];			/* out: UUID of the bus */
	struct kdbus_item items[0];
} KDBUS_ALIGNED;

/*
 * On an endpoint: become a connection; it lasts until the last descriptor of this open file is closed. Then map the pool:
 * mmap(NULL, pool_size, PROT_READ, MAP_SHARED, fd, 0). Also EMFILE (1024 connections of the user), ESHUTDOWN.
 */
#define KDBUS_CMD_HELLO _IOWR(KDBUS_IOCTL_MAGIC, 0x80, struct kdbus_cmd_hello)

/* Change the attach masks (ATTACH_FLAGS_SEND, ATTACH_FLAGS_RECV), or, for policy holders, the policy (NAME, POLICY_ACCESS). */
#define KDBUS_CMD_UPDATE _IOW(KDBUS_IOCTL_MAGIC, 0x81, struct kdbus_cmd)

/* Disconnect, if nothing is left in the queue (EBUSY). The descriptor stays open; every command on it is ECONNRESET then. */
#define KDBUS_CMD_BYEBYE _IOW(KDBUS_IOCTL_MAGIC, 0x82, struct kdbus_cmd)

/* 32 bytes. */
struct kdbus_cmd_free {
	__u64 size;
	__u64 flags;
	__u64 return_flags;
	__u64 offset;			/* as some command told it */
	struct kdbus_item items[0];
} KDBUS_ALIGNED;

/* Give a place in the pool back. ENXIO: nothing that was told to us starts there. */
#define KDBUS_CMD_FREE _IOW(KDBUS_IOCTL_MAGIC, 0x83, struct kdbus_cmd_free)

/* Extension. */
enum kdbus_info_return_flags {
	KDBUS_INFO_RETURN_FAKED = 1 << 0	/* CREDS, PIDS and SECLABEL are what a privileged process said at HELLO */
};

/* 56 bytes. Item for CONN_INFO: NAME instead of, or in addition to, id. */
struct kdbus_cmd_info {
	__u64 size;
	__u64 flags;
	__u64 return_flags;		/* out: KDBUS_INFO_RETURN_* */
	__u64 id;			/* connection, 0 = by name; BUS_CREATOR_INFO ignores it */
	__u64 attach_flags;		/* which metadata to tell */
	__u64 offset;			/* out: a struct kdbus_info in the pool */
	__u64 info_size;		/* out: bytes there */
	struct kdbus_item items[0];
} KDBUS_ALIGNED;

/* What a connection was when it said HELLO, and the names it owns now. ENXIO: no such id, ESRCH: no such name, EXFULL: pool full. */
#define KDBUS_CMD_CONN_INFO _IOR(KDBUS_IOCTL_MAGIC, 0x84, struct kdbus_cmd_info)

/* The bus: its id, flags and name (MAKE_NAME), and who made it. */
#define KDBUS_CMD_BUS_CREATOR_INFO _IOR(KDBUS_IOCTL_MAGIC, 0x85, struct kdbus_cmd_info)

enum kdbus_list_flags {
	KDBUS_LIST_UNIQUE = 1 << 0,		/* a record for each connection */
	KDBUS_LIST_NAMES = 1 << 1,		/* a record for each owned name */
	KDBUS_LIST_ACTIVATORS = 1 << 2,		/* a record for each name with an activator */
	KDBUS_LIST_QUEUED = 1 << 3		/* a record for each connection waiting for a name */
};

/* 40 bytes. */
struct kdbus_cmd_list {
	__u64 size;
	__u64 flags;			/* KDBUS_LIST_* */
	__u64 return_flags;
	__u64 offset;			/* out: records (struct kdbus_info) in the pool */
	__u64 list_size;		/* out: bytes there, 0 = none */
	struct kdbus_item items[0];
} KDBUS_ALIGNED;

/* Who is there; a snapshot. EXFULL: pool full. */
#define KDBUS_CMD_LIST _IOR(KDBUS_IOCTL_MAGIC, 0x86, struct kdbus_cmd_list)

/* ---- sending and receiving ------------------------------------------------------------------------------------------ */

enum kdbus_send_flags {
	KDBUS_SEND_SYNC_REPLY = 1 << 0		/* wait here for the reply to this request */
};

/* 56 bytes. Items: CANCEL_FD; FD_SOCKET and ON_BEHALF, which are extensions. */
struct kdbus_cmd_send {
	__u64 size;
	__u64 flags;			/* KDBUS_SEND_* */
	__u64 return_flags;
	__u64 msg_address;		/* address of the struct kdbus_msg, a multiple of 8 */
	struct kdbus_msg_info reply;	/* out, on success: the reply to a synchronous call */
	struct kdbus_item items[0];
} KDBUS_ALIGNED;

/*
 * Send a message. No such receiver: ENXIO (id), ESRCH (name). Not allowed: EPERM. Receiver has no room: ENOBUFS (quota of the
 * sender's user), EXFULL (pool). 128 requests without reply: EMLINK. Synchronous: ETIMEDOUT, ECANCELED, EINTR, EPIPE (the other
 * side died), EREMOTEIO (the reply brought descriptors we do not accept). Too large: EMSGSIZE, E2BIG, EMFILE.
 */
#define KDBUS_CMD_SEND _IOW(KDBUS_IOCTL_MAGIC, 0x90, struct kdbus_cmd_send)

/* DROP together with USE_PRIORITY is EINVAL; PEEK together with DROP is DROP. */
enum kdbus_recv_flags {
	KDBUS_RECV_PEEK = 1 << 0,		/* look at the next message and leave it queued; its descriptors are not installed */
	KDBUS_RECV_DROP = 1 << 1,		/* throw the next message away; a request so dropped is reported to its sender */
	KDBUS_RECV_USE_PRIORITY = 1 << 2	/* the most urgent message instead of the oldest, if urgent enough */
};

enum kdbus_recv_return_flags {
	KDBUS_RECV_RETURN_INCOMPLETE_FDS = 1 << 0,	/* kdbus_msg_info: some descriptors could not be installed and are -1 */
	KDBUS_RECV_RETURN_DROPPED_MSGS = 1 << 1		/* kdbus_cmd_recv: dropped_msgs is not 0 */
};

/* 64 bytes. Items: FD_SOCKET and ON_BEHALF, which are extensions. */
struct kdbus_cmd_recv {
	__u64 size;
	__u64 flags;			/* KDBUS_RECV_* */
	__u64 return_flags;		/* out: KDBUS_RECV_RETURN_DROPPED_MSGS */
	__s64 priority;			/* with USE_PRIORITY: only messages with this or a smaller value */
	__u64 dropped_msgs;		/* out: broadcasts lost since the last RECV because there was no room for them */
	struct kdbus_msg_info msg;	/* out */
	struct kdbus_item items[0];
} KDBUS_ALIGNED;

/* Take the next message. Never waits: EAGAIN if there is none; poll(2) for POLLIN. */
#define KDBUS_CMD_RECV _IOR(KDBUS_IOCTL_MAGIC, 0x91, struct kdbus_cmd_recv)

/*
 * Extension. No FUSE server can put a descriptor into the process that calls it. A RECV, or a synchronous SEND, with an item
 * FD_SOCKET has the descriptors of the message it gets sent on that socket (AF_UNIX, best SOCK_SEQPACKET) before it returns: one
 * message, this struct with SCM_RIGHTS. The items in the pool say -1 until FDS_INSTALLED tells the bus what numbers they got.
 * 16 bytes.
 */
struct kdbus_fd_message {
	__u64 offset;			/* of the message in the pool */
	__u32 count;			/* descriptors: of FDS, then of each PAYLOAD_MEMFD, then of PIDFD */
	__u32 __pad;
} KDBUS_ALIGNED;

/* 32 bytes. Item: FDS, required: the numbers, as many as came and in the same order; -1 for one that could not be received. */
struct kdbus_cmd_fds_installed {
	__u64 size;
	__u64 flags;
	__u64 return_flags;
	__u64 offset;			/* of the message in the pool */
	struct kdbus_item items[0];
} KDBUS_ALIGNED;

/* Have the numbers written into the message. Once. ENXIO: nothing there waits for numbers; EINVAL: not as many as were sent. */
#define KDBUS_CMD_FDS_INSTALLED _IOW(KDBUS_IOCTL_MAGIC, 0xd0, struct kdbus_cmd_fds_installed)

/*
 * Extension: many commands in one. EXCHANGE gives slices back, sends messages, and receives messages or waits for some, in one
 * system call that carries the messages itself, both ways:
 *
 *	in	this struct, its items (`size` bytes so far), and from the next multiple of 8 on the messages: struct kdbus_msg with
 *		their items, each at a multiple of 8 from the one before, `msgs_size` bytes in all
 *	out	this struct, and right behind it `received` records: struct kdbus_msg_info, and if its offset is KDBUS_OFFSET_INLINE
 *		the message itself, msg_size bytes; each at a multiple of 8 from the one before
 *
 * The size of the room is part of the command's number: KDBUS_CMD_EXCHANGE(room), from 80 to 16376 bytes. A message is received
 * inline if it fits behind this struct, else it stays in the pool as with RECV, is the only one, and has to be given back.
 * Messages are sent as by SEND, in their order, until one fails.
 */
enum kdbus_exchange_flags {
	KDBUS_EXCHANGE_SYNC_REPLY = 1 << 0,	/* the one message is a request: wait for the reply to it, and receive that */
	KDBUS_EXCHANGE_RECV = 1 << 1,		/* receive what is there; if nothing is, wait until wait_ns */
	KDBUS_EXCHANGE_USE_PRIORITY = 1 << 2	/* with RECV: as in a RECV */
};

#define KDBUS_OFFSET_INLINE (~0ULL)

/* 80 bytes. Items: FREE, FD_SOCKET; with SYNC_REPLY also CANCEL_FD. */
struct kdbus_cmd_exchange {
	__u64 size;
	__u64 flags;			/* KDBUS_EXCHANGE_* */
	__u64 return_flags;		/* out: KDBUS_RECV_RETURN_DROPPED_MSGS */
	__u64 progress;			/* 0; or 1 + messages not to be sent any more; on EINTR the bus writes it: repeat the command as it is */
	__u64 msgs_size;		/* in: bytes of messages to send; out: bytes of records */
	__u64 wait_ns;			/* with RECV: CLOCK_MONOTONIC time until which to wait, 0 not at all, ~0 for ever */
	__s64 priority;			/* with USE_PRIORITY: only messages with this or a smaller value */
	__u64 dropped_msgs;		/* out: as in a RECV */
	__u32 max_msgs;			/* with RECV: receive no more than this; 0: as many as fit */
	__u32 sent;			/* out: messages sent */
	__u32 received;			/* out: records; 0 after wait_ns */
	__u32 error;			/* out: why the message after those was not sent, an errno; 0 if all were */
	struct kdbus_item items[0];
} KDBUS_ALIGNED;

/*
 * The error of a message is in `error`, and nothing is waited for then; with SYNC_REPLY it is the command's. EAGAIN there: signals to many
 * listeners, the rest has to be sent by another command. EINVAL: flags, sizes,
 * items; ENXIO: FREE of what is not ours (those before it are given back, nothing is sent); ENOTTY: a domain without extensions.
 */
#define KDBUS_CMD_EXCHANGE(room) _IOC(_IOC_READ | _IOC_WRITE, KDBUS_IOCTL_MAGIC, 0xc0, room)

/* ---- well-known names ----------------------------------------------------------------------------------------------- */

enum kdbus_name_flags {
	KDBUS_NAME_REPLACE_EXISTING = 1 << 0,	/* take it from an owner that allows that */
	KDBUS_NAME_ALLOW_REPLACEMENT = 1 << 1,	/* others may take it from us */
	KDBUS_NAME_QUEUE = 1 << 2,		/* wait for it if it is taken; and when it is taken from us */
	KDBUS_NAME_IN_QUEUE = 1 << 3,		/* out, in return_flags: we wait */
	KDBUS_NAME_ACTIVATOR = 1 << 4		/* out: the owner is an activator */
};

/* Item: NAME, two or more elements with dots between them, at most 255 characters. EEXIST, EALREADY, EPERM, E2BIG (256 names). */
#define KDBUS_CMD_NAME_ACQUIRE _IOW(KDBUS_IOCTL_MAGIC, 0xa0, struct kdbus_cmd)

/* Item: NAME. Give it up, or stop waiting for it. ESRCH: no such name, EADDRINUSE: it is not ours. */
#define KDBUS_CMD_NAME_RELEASE _IOW(KDBUS_IOCTL_MAGIC, 0xa1, struct kdbus_cmd)

enum kdbus_policy_access_type {
	_KDBUS_POLICY_ACCESS_NULL = 0,
	KDBUS_POLICY_ACCESS_USER = 1,		/* id is a uid */
	KDBUS_POLICY_ACCESS_GROUP = 2,		/* id is a gid */
	KDBUS_POLICY_ACCESS_WORLD = 3
};

enum kdbus_policy_type {
	KDBUS_POLICY_SEE = 0,
	KDBUS_POLICY_TALK = 1,
	KDBUS_POLICY_OWN = 2
};

/* ---- subscriptions -------------------------------------------------------------------------------------------------- */

enum kdbus_match_flags {
	KDBUS_MATCH_REPLACE = 1 << 0		/* first remove what has the same cookie */
};

/* 32 bytes. */
struct kdbus_cmd_match {
	__u64 size;
	__u64 flags;			/* KDBUS_MATCH_* */
	__u64 return_flags;
	__u64 cookie;			/* our number for this match; need not be unique */
	struct kdbus_item items[0];
} KDBUS_ALIGNED;

/*
 * Receive signals for which every item holds; without items, all. Items: BLOOM_MASK, NAME, ID, and for notifications NAME_ADD,
 * NAME_REMOVE, NAME_CHANGE, ID_ADD, ID_REMOVE. EDOM: a mask of the wrong size, EMFILE: 256 matches.
 */
#define KDBUS_CMD_MATCH_ADD _IOW(KDBUS_IOCTL_MAGIC, 0xb0, struct kdbus_cmd_match)

/* Remove every match with the cookie. EBADSLT: there is none. */
#define KDBUS_CMD_MATCH_REMOVE _IOW(KDBUS_IOCTL_MAGIC, 0xb1, struct kdbus_cmd_match)

#pragma GCC diagnostic pop

#ifdef __cplusplus
}
#endif

#endif /* KDBUS_H */
