/* The calls by which a puppet becomes somebody else, and says who it is. */
#include "puppet.h"

#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <sched.h>
#include <stdio.h>
#include <sys/fsuid.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

enum { MOST_GROUPS = 64, UNCHANGED = -1 };

static int64_t do_setids(const struct request *r)
{
	gid_t groups[MOST_GROUPS];
	size_t n = r->length / 4;

	if (n > MOST_GROUPS)
		return -EINVAL;
	memcpy(groups, r->data, n * 4);
	if ((!r->args[6] && setgroups(n, groups)) || setresgid(r->args[3], r->args[4], r->args[5]) ||
	    setresuid(r->args[0], r->args[1], r->args[2]))
		return -errno;
	return 0;
}

static long set_capabilities(uint64_t inheritable, uint64_t permitted, uint64_t effective)
{
	struct __user_cap_header_struct head = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct caps[2];

	for (int i = 0; i < 2; i++) {
		caps[i].inheritable = (uint32_t)(inheritable >> 32 * i);
		caps[i].permitted = (uint32_t)(permitted >> 32 * i);
		caps[i].effective = (uint32_t)(effective >> 32 * i);
	}
	return syscall(SYS_capset, &head, caps);
}

/* Another user, who keeps one capability. It is this thread's alone. */
static int64_t do_keepcap(uid_t uid, gid_t gid, int cap)
{
	uint64_t kept = 1ull << cap;

	if (prctl(PR_SET_KEEPCAPS, 1) || setgroups(0, NULL) || setresgid(gid, gid, gid) ||
	    setresuid(uid, uid, uid) || set_capabilities(0, kept, kept))
		return -errno;
	return 0;
}

/* The user ids of this thread. Another file system id than the effective one
 * can only be had last and by root's leave, which the thread keeps until then;
 * afterwards it has no capability. */
static int set_users(const uint32_t *ids)
{
	const uint64_t setuid_only = 1ull << CAP_SETUID;
	int keep = ids[3] != (uint32_t)UNCHANGED && ids[1] != (uint32_t)UNCHANGED && ids[1];

	if ((keep && prctl(PR_SET_KEEPCAPS, 1)) || syscall(SYS_setresuid, ids[0], ids[1], ids[2]) ||
	    (keep && set_capabilities(0, setuid_only, setuid_only)))
		return -1;
	if (ids[3] != (uint32_t)UNCHANGED)
		syscall(SYS_setfsuid, ids[3]);
	return keep && set_capabilities(0, 0, 0) ? -1 : 0;
}

/* Changes this thread and no other, past the library, which would change all;
 * then makes an ioctl, if a descriptor is given. The data are the eight ids in
 * the order of CREDS and a name. */
static int64_t do_change(const struct request *r)
{
	uint32_t ids[8];
	const char *name = r->data + sizeof(ids);

	if (r->length < sizeof(ids))
		return -EINVAL;
	memcpy(ids, r->data, sizeof(ids));
	if (syscall(SYS_setresgid, ids[4], ids[5], ids[6]))
		return -errno;
	if (ids[7] != (uint32_t)UNCHANGED)
		syscall(SYS_setfsgid, ids[7]);
	if (set_users(ids))
		return -errno;
	if (*name && prctl(PR_SET_NAME, name))
		return -errno;
	return (int)r->args[0] < 0 ? 0 : outcome(ioctl((int)r->args[0], (unsigned long)r->args[1], (void *)(uintptr_t)r->args[2]));
}

/* The ids in the order of CREDS, the numbers in that of PIDS, the groups. */
static struct answer do_who(void)
{
	uint32_t who[11 + MOST_GROUPS];
	int n;

	syscall(SYS_getresuid, who, who + 1, who + 2);
	syscall(SYS_getresgid, who + 4, who + 5, who + 6);
	who[3] = (uint32_t)syscall(SYS_setfsuid, UNCHANGED);
	who[7] = (uint32_t)syscall(SYS_setfsgid, UNCHANGED);
	who[8] = (uint32_t)getpid();
	who[9] = (uint32_t)syscall(SYS_gettid);
	who[10] = (uint32_t)getppid();
	n = getgroups(MOST_GROUPS, who + 11);
	return n < 0 ? plain(-errno) : bytes(who, (11 + (size_t)n) * 4);
}

/* The same process with new memory. Its files stay; it connects anew. */
static int64_t do_exec(const char *path, const char *first_argument, uint64_t new_ticket)
{
	char number[24];
	char *argv[] = { (char *)first_argument, (char *)socket_name, number, NULL };

	snprintf(number, sizeof(number), "%llu", (unsigned long long)new_ticket);
	execv(path, argv);
	return -errno;
}

static int64_t do_chroot(const char *path)
{
	return outcome(chroot(path) || chdir("/") ? -1 : 0);
}

static int write_map(pid_t pid, const char *name, const char *text)
{
	char path[64];
	int fd, r;

	snprintf(path, sizeof(path), "/proc/%d/%s", (int)pid, name);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		return -1;
	r = write(fd, text, strlen(text)) == (ssize_t)strlen(text) ? 0 : -1;
	close(fd);
	return r;
}

/* The child's half of do_fork: its namespace has names when the parent says so. */
static void enter_user_namespace(int ready, int go, unsigned inside)
{
	char byte = 0;

	if (unshare(CLONE_NEWUSER) || prctl(PR_SET_DUMPABLE, 1) || write(ready, &byte, 1) != 1 ||
	    read(go, &byte, 1) != 1 || setresgid(inside, inside, inside) || setresuid(inside, inside, inside))
		broken("a user namespace");
}

/* A child, in new namespaces of the kinds that `flags` names. In a user
 * namespace `count` users and groups are named from `inside` on as they are
 * from `outside` on here; it becomes the first of them, and has all
 * capabilities there. */
static int64_t do_fork(int flags, unsigned inside, unsigned outside, unsigned count, uint64_t new_ticket)
{
	int ready[2], go[2], home = -1;
	char map[64], byte = 0;
	pid_t pid;

	if (flags & CLONE_NEWPID) {
		home = open("/proc/self/ns/pid", O_RDONLY | O_CLOEXEC);
		if (home < 0 || unshare(CLONE_NEWPID))
			return -errno;
	}
	if (pipe2(ready, O_CLOEXEC) || pipe2(go, O_CLOEXEC))
		return -errno;
	pid = fork();
	if (!pid && flags & CLONE_NEWUSER)
		enter_user_namespace(ready[1], go[0], inside);
	snprintf(map, sizeof(map), "%u %u %u", inside, outside, count);
	if (pid > 0 && flags & CLONE_NEWUSER &&
	    (read(ready[0], &byte, 1) != 1 || (geteuid() && write_map(pid, "setgroups", "deny")) ||
	     write_map(pid, "gid_map", map) || write_map(pid, "uid_map", map) || write(go[1], &byte, 1) != 1))
		broken("the maps of a user namespace");
	close(ready[0]);
	close(ready[1]);
	close(go[0]);
	close(go[1]);
	if (!pid) {
		if (home >= 0)
			close(home);
		ticket = new_ticket;
		become_puppet();
	}
	if (home >= 0) {
		int64_t back = outcome(setns(home, CLONE_NEWPID));

		close(home);
		if (back < 0)
			return back;
	}
	return outcome(pid);
}

/* Mounts are this thread's, users the whole process's, which must be of one. */
static int64_t do_unshare(int flags)
{
	return flags & CLONE_NEWUSER ? do_alone(unshare, flags) : outcome(unshare(flags));
}

struct answer perform_who(struct request *r)
{
	const uint64_t *a = r->args;
	const char *second = r->data + strlen(r->data) + 1;

	switch (r->op) {
	case OP_SETIDS: return plain(do_setids(r));
	case OP_KEEPCAP: return plain(do_keepcap((uid_t)a[0], (gid_t)a[1], (int)a[2]));
	case OP_CHANGE: return plain(do_change(r));
	case OP_WHO: return do_who();
	case OP_PRCTL: return plain(outcome(prctl((int)a[0], a[1], 0, 0, 0)));
	case OP_CAPSET: return plain(outcome(set_capabilities(a[0], a[1], a[2])));
	case OP_EXEC: return plain(do_exec(r->data, second, a[0]));
	case OP_CHROOT: return plain(do_chroot(r->data));
	case OP_UNSHARE: return plain(do_unshare((int)a[0]));
	case OP_FORK: return plain(do_fork((int)a[0], (unsigned)a[1], (unsigned)a[2], (unsigned)a[3], a[4]));
	default: return plain(-ENOSYS);
	}
}
