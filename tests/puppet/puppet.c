/*
 * puppet: a process that does what a test tells it, and nothing else.
 *
 * It connects to the abstract unix socket named by its first argument, shows
 * the ticket that is its second, and then obeys request frames, each answered
 * under its own id. The main thread runs requests one after the other, so that
 * a plain request is made by a thread whose id is the process id; a request
 * flagged IN_THREAD gets a thread of its own and may block as long as it likes.
 * A third thread does nothing but read frames: when the test goes away the read
 * ends, and the whole process exits even if every other thread sits in a system
 * call. (A parent death signal would not do: the kernel sends it when the
 * *thread* that forked us ends.)
 *
 * The control socket lives at a high descriptor number, so that the low ones
 * belong to the test.
 *
 * Frames, little endian, no padding:
 *   request  u32 length of the rest, u32 id, u32 op, u32 flags, u64 args[8], data
 *   reply    u32 length of the rest, u32 id, u32 kind, u32 zero, s64 result, data
 * `result` is >= 0 or a negative errno. kind 1 announces the thread id of an
 * IN_THREAD request before it starts, kind 0 carries the result, and the first
 * frame of a puppet has id 0 and its ticket as the result. Whose child brings
 * which ticket is said by the request that makes it: process ids would not do,
 * for one in a pid namespace of its own has another number there.
 *
 * Here are the life of a puppet and its calls on files and memory; who.c has
 * those that change who the process is, files.c those on files that travel.
 */
#include "puppet.h"

#include <dirent.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <sys/vfs.h>
#include <sys/wait.h>
#include <time.h>

enum { IN_THREAD = 1 };
enum { KIND_DONE = 0, KIND_STARTED = 1 };
enum { MAX_FRAME = 64 << 20 };

static int control = -1;
static pthread_t reader;
static pthread_mutex_t reply_lock, queue_lock;
static pthread_cond_t queue_filled;
static struct request *queue_head, **queue_tail;
static volatile sig_atomic_t handled;

const char *socket_name;
uint64_t ticket;

void broken(const char *what)
{
	fprintf(stderr, "puppet %d: %s: %s\n", (int)getpid(), what, strerror(errno));
	_exit(112);
}

int64_t outcome(long r)
{
	return r < 0 ? -(int64_t)errno : r;
}

static int read_all(int fd, void *to, size_t n)
{
	char *p = to;

	while (n) {
		ssize_t r = read(fd, p, n);

		if (r < 0 && errno == EINTR)
			continue;
		if (r <= 0)
			return -1;
		p += r;
		n -= r;
	}
	return 0;
}

static void send_reply(uint32_t id, uint32_t kind, int64_t result, const void *data, size_t length)
{
	struct {
		uint32_t length, id, kind, zero;
		int64_t result;
	} head = { (uint32_t)(sizeof(head) - 4 + length), id, kind, 0, result };
	struct iovec v[2] = { { &head, sizeof(head) }, { (void *)data, length } };
	size_t i = 0;

	pthread_mutex_lock(&reply_lock);
	while (i < 2) {
		ssize_t r = writev(control, v + i, 2 - i);

		if (r < 0 && errno == EINTR)
			continue;
		if (r < 0)
			_exit(0);
		while (i < 2 && (size_t)r >= v[i].iov_len)
			r -= v[i++].iov_len;
		if (i < 2) {
			v[i].iov_base = (char *)v[i].iov_base + r;
			v[i].iov_len -= r;
		}
	}
	pthread_mutex_unlock(&reply_lock);
}

static void connect_to_test(void)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	size_t n = strlen(socket_name);
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0 || n + 1 > sizeof(address.sun_path))
		broken("socket");
	memcpy(address.sun_path + 1, socket_name, n);
	if (connect(fd, (struct sockaddr *)&address, (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + n)))
		broken("connect");
	control = fcntl(fd, F_DUPFD_CLOEXEC, CONTROL_FD);
	if (control < 0)
		broken("moving the control socket up");
	close(fd);
}

static struct request *read_request(void)
{
	uint32_t length;
	struct request *r;

	if (read_all(control, &length, 4))
		return NULL;
	if (length < 76 || length > MAX_FRAME) {
		errno = EPROTO;
		broken("request frame");
	}
	r = malloc(sizeof(*r) + length);
	if (!r)
		broken("malloc");
	if (read_all(control, &r->id, 12) || read_all(control, r->args, 64) ||
	    read_all(control, r->data, length - 76)) {
		free(r);
		return NULL;
	}
	r->length = length - 76;
	r->data[r->length] = 0;
	r->next = NULL;
	return r;
}

struct answer bytes(const void *data, size_t length)
{
	struct answer a = { 0, malloc(length + 1), length };

	if (!a.data)
		broken("malloc");
	memcpy(a.data, data, length);
	return a;
}

struct answer plain(int64_t result)
{
	struct answer a = { result, NULL, 0 };

	return a;
}

static struct answer stat_bytes(const struct stat *st)
{
	uint64_t out[8] = {
		st->st_mode, st->st_uid, st->st_gid, st->st_nlink,
		st->st_size, st->st_ino, st->st_blksize, st->st_dev,
	};

	return bytes(out, sizeof(out));
}

static struct answer do_readdir(const char *path)
{
	DIR *d = opendir(path);
	struct answer a = { 0, NULL, 0 };
	struct dirent *e;

	if (!d)
		return plain(-errno);
	for (errno = 0; (e = readdir(d)); errno = 0) {
		size_t n = strlen(e->d_name) + 1;

		a.data = realloc(a.data, a.length + n);
		if (!a.data)
			broken("realloc");
		memcpy(a.data + a.length, e->d_name, n);
		a.length += n;
	}
	a.result = -errno;
	closedir(d);
	return a;
}

/* Through process_vm_*: bad memory is then an errno and not a dead puppet. */
static struct answer do_peek(uint64_t address, size_t length)
{
	struct answer a = { 0, malloc(length + 1), length };
	struct iovec here = { a.data, length }, there = { (void *)(uintptr_t)address, length };
	ssize_t r;

	if (!a.data)
		broken("malloc");
	r = length ? process_vm_readv(getpid(), &here, 1, &there, 1, 0) : 0;
	if (r != (ssize_t)length) {
		free(a.data);
		return plain(r < 0 ? -errno : -EFAULT);
	}
	return a;
}

static int64_t do_poke(uint64_t address, char *data, size_t length)
{
	struct iovec here = { data, length }, there = { (void *)(uintptr_t)address, length };
	ssize_t r = length ? process_vm_writev(getpid(), &here, 1, &there, 1, 0) : 0;

	return r == (ssize_t)length ? 0 : r < 0 ? -errno : -EFAULT;
}

static struct answer do_poll(int fd, short events, int timeout)
{
	struct pollfd p = { fd, events, 0 };
	int r = poll(&p, 1, timeout);
	struct answer a = bytes(&p.revents, sizeof(p.revents));

	a.result = outcome(r);
	return a;
}

static struct answer do_read(int fd, size_t length)
{
	struct answer a = { 0, malloc(length + 1), 0 };

	if (!a.data)
		broken("malloc");
	a.result = outcome(read(fd, a.data, length));
	a.length = a.result > 0 ? (size_t)a.result : 0;
	return a;
}

static struct answer do_pipe(void)
{
	int fds[2];

	return pipe2(fds, O_CLOEXEC) ? plain(-errno) : bytes(fds, sizeof(fds));
}

/* An epoll instance that watches a descriptor. */
static int64_t do_epoll(int fd)
{
	struct epoll_event event = { .events = EPOLLIN };
	int set = epoll_create1(EPOLL_CLOEXEC);

	if (set < 0 || epoll_ctl(set, EPOLL_CTL_ADD, fd, &event))
		return -errno;
	return set;
}

static void count_signal(int signal)
{
	(void)signal;
	handled++;
}

static int64_t do_handle(int signal, int restart)
{
	struct sigaction a = { .sa_handler = count_signal, .sa_flags = restart ? SA_RESTART : 0 };

	return outcome(sigaction(signal, &a, NULL));
}

static int64_t do_waitpid(pid_t pid)
{
	int status;
	pid_t r;

	do
		r = waitpid(pid, &status, 0);
	while (r < 0 && errno == EINTR);
	return r < 0 ? -errno : WIFEXITED(status) ? WEXITSTATUS(status) : 256 + WTERMSIG(status);
}

static int64_t do_clock(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000000000ll + t.tv_nsec;
}

static struct answer perform(struct request *r)
{
	const uint64_t *a = r->args;
	const char *second = r->data + strlen(r->data) + 1; /* the second of two paths */
	struct stat st;
	struct statfs sf;
	struct answer of_files;

	if (perform_files(r, &of_files))
		return of_files;
	switch (r->op) {
	case OP_OPEN: return plain(outcome(open(r->data, (int)a[0], (mode_t)a[1])));
	case OP_CLOSE: return plain(outcome(close((int)a[0])));
	case OP_DUP: return plain(outcome(dup((int)a[0])));
	case OP_IOCTL: return plain(outcome(ioctl((int)a[0], (unsigned long)a[1], (void *)(uintptr_t)a[2])));
	case OP_POLL: return do_poll((int)a[0], (short)a[1], (int)a[2]);
	case OP_MMAP: {
		void *p = mmap((void *)(uintptr_t)a[0], a[1], (int)a[2], (int)a[3], (int)a[4], (off_t)a[5]);

		return plain(p == MAP_FAILED ? -errno : (int64_t)(uintptr_t)p);
	}
	case OP_MUNMAP: return plain(outcome(munmap((void *)(uintptr_t)a[0], a[1])));
	case OP_MPROTECT: return plain(outcome(mprotect((void *)(uintptr_t)a[0], a[1], (int)a[2])));
	case OP_POKE: return plain(do_poke(a[0], r->data, r->length));
	case OP_PEEK: return do_peek(a[0], a[1]);
	case OP_STAT: return stat(r->data, &st) ? plain(-errno) : stat_bytes(&st);
	case OP_FSTAT: return fstat((int)a[0], &st) ? plain(-errno) : stat_bytes(&st);
	case OP_STATFS: return plain(statfs(r->data, &sf) ? -errno : (int64_t)(uint32_t)sf.f_type);
	case OP_READDIR: return do_readdir(r->data);
	case OP_ACCESS: return plain(outcome(access(r->data, (int)a[0])));
	case OP_UNLINK: return plain(outcome(unlink(r->data)));
	case OP_RMDIR: return plain(outcome(rmdir(r->data)));
	case OP_MKDIR: return plain(outcome(mkdir(r->data, (mode_t)a[0])));
	case OP_RENAME: return plain(outcome(rename(r->data, second)));
	case OP_LINK: return plain(outcome(link(r->data, second)));
	case OP_SYMLINK: return plain(outcome(symlink(r->data, second)));
	case OP_CHMOD: return plain(outcome(chmod(r->data, (mode_t)a[0])));
	case OP_CHOWN: return plain(outcome(chown(r->data, (uid_t)a[0], (gid_t)a[1])));
	case OP_TRUNCATE: return plain(outcome(truncate(r->data, (off_t)a[0])));
	case OP_READ: return do_read((int)a[0], a[1]);
	case OP_WRITE: return plain(outcome(write((int)a[0], r->data, r->length)));
	case OP_LSEEK: return plain(outcome(lseek((int)a[0], (off_t)a[1], (int)a[2])));
	case OP_GETTID: return plain(outcome(syscall(SYS_gettid)));
	case OP_HANDLE: return plain(do_handle((int)a[0], (int)a[1]));
	case OP_HANDLED: return plain(handled);
	case OP_TGKILL: return plain(outcome(syscall(SYS_tgkill, getpid(), (pid_t)a[0], (int)a[1])));
	case OP_CLOCK: return plain(do_clock());
	case OP_EVENTFD: return plain(outcome(eventfd((unsigned)a[0], EFD_CLOEXEC)));
	case OP_PIPE: return do_pipe();
	case OP_MEMFD: return plain(outcome(memfd_create("puppet", MFD_CLOEXEC)));
	case OP_EPOLL: return plain(do_epoll((int)a[0]));
	case OP_WAITPID: return plain(do_waitpid((pid_t)a[0]));
	case OP_EXIT: _exit((int)a[0]);
	default: return perform_who(r);
	}
}

static void perform_and_reply(struct request *r)
{
	struct answer a = perform(r);

	send_reply(r->id, KIND_DONE, a.result, a.data, a.length);
	free(a.data);
	free(r);
}

static void *one_request_thread(void *argument)
{
	struct request *r = argument;
	sigset_t none;

	sigemptyset(&none); /* the reader, our parent, has all blocked */
	pthread_sigmask(SIG_SETMASK, &none, NULL);
	send_reply(r->id, KIND_STARTED, syscall(SYS_gettid), NULL, 0);
	perform_and_reply(r);
	return NULL;
}

static void *reader_thread(void *unused)
{
	struct request *r;
	pthread_t t;

	(void)unused;
	while ((r = read_request())) {
		if (r->flags & IN_THREAD) {
			if ((errno = pthread_create(&t, NULL, one_request_thread, r)))
				broken("pthread_create");
			pthread_detach(t);
			continue;
		}
		pthread_mutex_lock(&queue_lock);
		*queue_tail = r;
		queue_tail = &r->next;
		pthread_cond_signal(&queue_filled);
		pthread_mutex_unlock(&queue_lock);
	}
	_exit(0);
}

static void start_reader(void)
{
	sigset_t all, before;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	if ((errno = pthread_create(&reader, NULL, reader_thread, NULL)))
		broken("pthread_create");
	pthread_sigmask(SIG_SETMASK, &before, NULL);
}

/* The reader sits in read(2), which is where a thread may be cancelled. The
 * kernel counts it as a thread for a moment longer than we do. */
int64_t do_alone(int (*call)(int), int argument)
{
	const struct timespec moment = { 0, 1000000 };
	int64_t result;

	pthread_cancel(reader);
	pthread_join(reader, NULL);
	for (int i = 0; (result = outcome(call(argument))) == -EINVAL && i < 1000; i++)
		nanosleep(&moment, NULL);
	start_reader();
	return result;
}

/* Also the life of a forked child: locks and queue are made anew, for what the
 * parent's other threads held at the fork nobody will ever release here. */
void become_puppet(void)
{
	pthread_mutex_init(&reply_lock, NULL);
	pthread_mutex_init(&queue_lock, NULL);
	pthread_cond_init(&queue_filled, NULL);
	queue_head = NULL;
	queue_tail = &queue_head;
	if (control >= 0)
		close(control);
	connect_to_test();
	send_reply(0, KIND_DONE, (int64_t)ticket, NULL, 0);
	start_reader();
	for (;;) {
		struct request *r;

		pthread_mutex_lock(&queue_lock);
		while (!(r = queue_head))
			pthread_cond_wait(&queue_filled, &queue_lock);
		if (!(queue_head = r->next))
			queue_tail = &queue_head;
		pthread_mutex_unlock(&queue_lock);
		perform_and_reply(r);
	}
}

int main(int argc, char **argv)
{
	struct rlimit files = { 4096, 4096 };

	if (argc != 3) {
		fprintf(stderr, "usage: puppet NAME-OF-ABSTRACT-SOCKET TICKET\n");
		return 64;
	}
	socket_name = argv[1];
	ticket = strtoull(argv[2], NULL, 10);
	signal(SIGPIPE, SIG_IGN);
	if (setrlimit(RLIMIT_NOFILE, &files))
		broken("raising the descriptor limit");
	become_puppet();
}
