/* The calls on files that travel: sealed memfds, sockets, descriptors out of
 * sockets, and how many descriptors there are. */
#include "puppet.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>

enum { MOST_DESCRIPTORS = 253, MOST_DATA = 4096 };

static int64_t do_sealed(const char *content, size_t length, int seals)
{
	int fd = memfd_create("puppet", MFD_CLOEXEC | MFD_ALLOW_SEALING);

	if (fd < 0)
		return -errno;
	if ((length && write(fd, content, length) != (ssize_t)length) || fcntl(fd, F_ADD_SEALS, seals)) {
		int error = errno;

		close(fd);
		return -error;
	}
	return fd;
}

static struct answer do_pread(int fd, size_t length, off_t offset)
{
	struct answer a = { 0, malloc(length + 1), 0 };

	if (!a.data)
		broken("malloc");
	a.result = outcome(pread(fd, a.data, length, offset));
	a.length = a.result > 0 ? (size_t)a.result : 0;
	return a;
}

static struct answer do_socketpair(int type)
{
	int fds[2];

	return socketpair(AF_UNIX, type | SOCK_CLOEXEC, 0, fds) ? plain(-errno) : bytes(fds, sizeof(fds));
}

/* The answer is the bytes of the message and, behind them, the descriptors. */
static struct answer do_recvmsg(int fd, size_t length)
{
	union {
		struct cmsghdr header;
		char room[CMSG_SPACE(MOST_DESCRIPTORS * sizeof(int))];
	} control;
	char data[MOST_DATA + MOST_DESCRIPTORS * sizeof(int)];
	struct iovec piece = { data, length < MOST_DATA ? length : MOST_DATA };
	struct msghdr message = {
		.msg_iov = &piece, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof(control),
	};
	ssize_t r = recvmsg(fd, &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
	size_t size = 0;
	struct cmsghdr *c;
	struct answer a;

	if (r < 0)
		return plain(-errno);
	c = CMSG_FIRSTHDR(&message);
	if (c && c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_RIGHTS) {
		size = c->cmsg_len - CMSG_LEN(0);
		memcpy(data + r, CMSG_DATA(c), size);
	}
	a = bytes(data, (size_t)r + size);
	a.result = r;
	return a;
}

/* Those of the test: from 3 on, and not ours. */
static struct answer do_descriptors(void)
{
	int found[CONTROL_FD], own;
	size_t n = 0;
	struct dirent *e;
	DIR *d = opendir("/proc/self/fd");

	if (!d)
		return plain(-errno);
	own = dirfd(d);
	while ((e = readdir(d))) {
		int fd = atoi(e->d_name);

		if (fd >= 3 && fd < CONTROL_FD && fd != own)
			found[n++] = fd;
	}
	closedir(d);
	return bytes(found, n * sizeof(int));
}

static int64_t do_limit(rlim_t most)
{
	struct rlimit files;

	if (getrlimit(RLIMIT_NOFILE, &files))
		return -errno;
	files.rlim_cur = most;
	return outcome(setrlimit(RLIMIT_NOFILE, &files));
}

int perform_files(struct request *r, struct answer *a)
{
	const uint64_t *args = r->args;

	switch (r->op) {
	case OP_SEALED: *a = plain(do_sealed(r->data, r->length, (int)args[0])); break;
	case OP_FCNTL: *a = plain(outcome(fcntl((int)args[0], (int)args[1], (int)args[2]))); break;
	case OP_PREAD: *a = do_pread((int)args[0], args[1], (off_t)args[2]); break;
	case OP_SOCKET: *a = plain(outcome(socket((int)args[0], (int)args[1] | SOCK_CLOEXEC, 0))); break;
	case OP_SOCKETPAIR: *a = do_socketpair((int)args[0]); break;
	case OP_RECVMSG: *a = do_recvmsg((int)args[0], args[1]); break;
	case OP_DESCRIPTORS: *a = do_descriptors(); break;
	case OP_LIMIT: *a = plain(do_limit(args[0])); break;
	default: return 0;
	}
	return 1;
}
