/* What the sources of the puppet share. */
#ifndef PUPPET_H
#define PUPPET_H

#define _GNU_SOURCE
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum op {
	OP_OPEN = 1, OP_CLOSE, OP_DUP, OP_IOCTL, OP_POLL, OP_MMAP, OP_MUNMAP, OP_MPROTECT,
	OP_POKE, OP_PEEK, OP_STAT, OP_READDIR, OP_ACCESS, OP_UNLINK, OP_MKDIR, OP_RENAME,
	OP_READ, OP_WRITE, OP_GETTID, OP_SETIDS, OP_FORK, OP_HANDLE, OP_TGKILL, OP_CLOCK,
	OP_EXIT, OP_EVENTFD, OP_STATFS, OP_WAITPID, OP_RMDIR, OP_LINK, OP_SYMLINK, OP_CHMOD,
	OP_TRUNCATE, OP_HANDLED, OP_LSEEK, OP_FSTAT, OP_CHOWN, OP_PIPE, OP_MEMFD, OP_EPOLL,
	OP_KEEPCAP, OP_CHANGE, OP_WHO, OP_PRCTL, OP_CAPSET, OP_EXEC, OP_CHROOT, OP_UNSHARE,
	OP_SEALED, OP_FCNTL, OP_PREAD, OP_SOCKET, OP_SOCKETPAIR, OP_RECVMSG, OP_DESCRIPTORS, OP_LIMIT,
};

struct request {
	uint32_t id, op, flags;
	uint64_t args[8];
	size_t length;
	struct request *next;
	char data[];
};

struct answer {
	int64_t result;
	char *data;
	size_t length;
};

extern const char *socket_name;
extern uint64_t ticket;

void broken(const char *what);
int64_t outcome(long r);
struct answer bytes(const void *data, size_t length);
struct answer plain(int64_t result);

/* The life of a puppet, or of a child of one, which brings its own ticket. */
void become_puppet(void);

/* A call that the kernel allows only to a process of one thread, by the main
 * one while there is no other. */
int64_t do_alone(int (*call)(int), int argument);

/* Descriptors from this number on are the puppet's own. */
enum { CONTROL_FD = 3000 };

/* The requests of who.c. */
struct answer perform_who(struct request *r);

/* Those of files.c; 0 if it is none of them. */
int perform_files(struct request *r, struct answer *a);

#endif
