/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <time.h>
#include <unistd.h>
#include "harness.h"

void die(const char *what, int error)
{
	fprintf(stderr, "bench: %s%s%s\n", what, error ? ": " : "", error ? strerror(error) : "");
	_exit(1);
}

uint64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

uint64_t cpu_ns(pid_t process)
{
	struct timespec used;
	clockid_t clock;
	int error = clock_getcpuclockid(process, &clock);

	if (error || clock_gettime(clock, &used) < 0)
		die("the CPU time of a process cannot be read", error ? error : errno);
	return (uint64_t)used.tv_sec * 1000000000 + used.tv_nsec;
}

pid_t spawn(void (*run)(void *argument), void *argument)
{
	const pid_t parent = getpid();
	const pid_t child = fork();

	if (child < 0)
		die("fork", errno);
	if (child > 0)
		return child;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		_exit(1);
	run(argument);
	_exit(1);
}

void samples_add(struct samples *samples, uint64_t ns)
{
	if (samples->count == samples->room) {
		samples->room = samples->room ? samples->room * 2 : 1024;
		samples->ns = realloc(samples->ns, samples->room * sizeof(*samples->ns));
		if (!samples->ns)
			die("no memory for samples", ENOMEM);
	}
	samples->ns[samples->count++] = ns;
}

static int by_value(const void *left, const void *right)
{
	const uint64_t a = *(const uint64_t *)left, b = *(const uint64_t *)right;

	return (a > b) - (a < b);
}

uint64_t samples_quantile(struct samples *samples, double part)
{
	size_t index = part * samples->count;

	if (samples->count == 0)
		die("nothing was measured", 0);
	qsort(samples->ns, samples->count, sizeof(*samples->ns), by_value);
	return samples->ns[index < samples->count ? index : samples->count - 1];
}

void place(pid_t process, const cpu_set_t *cpus)
{
	char path[64];
	struct dirent *thread;
	DIR *threads;

	snprintf(path, sizeof(path), "/proc/%d/task", process);
	threads = opendir(path);
	if (!threads)
		die(path, errno);
	while ((thread = readdir(threads)))
		/* A thread may end between the listing and the call. */
		if (thread->d_name[0] != '.' && sched_setaffinity(atoi(thread->d_name), sizeof(*cpus), cpus) < 0 && errno != ESRCH)
			die("sched_setaffinity", errno);
	closedir(threads);
}

void look_at(const void *payload, size_t size)
{
	const volatile unsigned char *bytes = payload;

	for (size_t i = 0; i < size; i += 64)
		(void)bytes[i];
}
