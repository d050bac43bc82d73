/* SPDX-License-Identifier: MIT
 *
 * supervised PROGRAM [ARGS...]: runs a program as a container manager may: with a listener for its system calls, of which there can be only
 * one. It is told of none.
 */
#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

int main(int argc, char **argv)
{
	struct sock_filter allow = BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
	struct sock_fprog program = { .len = 1, .filter = &allow };
	int listener;

	if (argc < 2)
		return 2;
	prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	listener = syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_NEW_LISTENER, &program);
	/* It lives while somebody has it open. */
	if (listener < 0 || dup(listener) < 0) {
		fprintf(stderr, "supervised: %s\n", strerror(errno));
		return 1;
	}
	execvp(argv[1], argv + 1);
	return 1;
}
