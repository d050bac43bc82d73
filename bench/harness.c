/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
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

/* Who waits for a process that has ended would wait for ever. */
static void child_has_ended(int signal)
{
	static const char text[] = "bench: a process that is measured has ended\n";

	(void)signal;
	if (write(STDERR_FILENO, text, sizeof(text) - 1) < 0)
		_exit(2);
	_exit(1);
}

pid_t spawn(void (*run)(void *argument), void *argument)
{
	const struct sigaction on_end = { .sa_handler = child_has_ended, .sa_flags = SA_NOCLDSTOP };
	const pid_t parent = getpid();
	pid_t child;

	sigaction(SIGCHLD, &on_end, NULL);
	child = fork();
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

const char *const place_names[PLACES] = { "free", "pinned" };
cpu_set_t places[PLACES];

void places_find(void)
{
	int last = 0;

	if (sched_getaffinity(0, sizeof(places[FREE]), &places[FREE]) < 0)
		die("sched_getaffinity", errno);
	for (int cpu = 0; cpu < CPU_SETSIZE; cpu++)
		if (CPU_ISSET(cpu, &places[FREE]))
			last = cpu;
	CPU_ZERO(&places[PINNED]);
	CPU_SET(last, &places[PINNED]);
}

void crew_add(struct crew *crew, pid_t process)
{
	if (crew->count == MAX_PROCESSES)
		die("too many processes take part", 0);
	crew->processes[crew->count++] = process;
}

void crew_place(const struct crew *crew, int where)
{
	for (int i = 0; i < crew->count; i++)
		place(crew->processes[i], &places[where]);
}

uint64_t crew_cpu_ns(const struct crew *crew)
{
	uint64_t sum = 0;

	for (int i = 0; i < crew->count; i++)
		sum += cpu_ns(crew->processes[i]);
	return sum;
}

void raise_files(void)
{
	struct rlimit files;

	getrlimit(RLIMIT_NOFILE, &files);
	files.rlim_cur = files.rlim_max;
	if (setrlimit(RLIMIT_NOFILE, &files) < 0)
		die("setrlimit", errno);
}

void read_all(int fd, void *bytes, size_t size)
{
	for (size_t have = 0; have < size;) {
		const ssize_t got = read(fd, (char *)bytes + have, size - have);

		if (got <= 0)
			die("read", got ? errno : 0);
		have += got;
	}
}

void write_all(int fd, const void *bytes, size_t size)
{
	for (size_t done = 0; done < size;) {
		const ssize_t written = write(fd, (const char *)bytes + done, size - done);

		if (written < 0)
			die("write", errno);
		done += written;
	}
}

unsigned char *payload_make(size_t largest)
{
	unsigned char *payload = malloc(largest);

	if (!payload)
		die("no memory for a payload", ENOMEM);
	memset(payload, 'x', largest);
	return payload;
}

void payload_set(unsigned char *payload, size_t size)
{
	memcpy(payload, &(uint64_t){ size }, SIZE_BYTES);
}

void payload_check(const unsigned char *payload, size_t size)
{
	const volatile unsigned char *bytes = payload;
	uint64_t said;

	memcpy(&said, payload, SIZE_BYTES);
	if (said != size || (size > SIZE_BYTES && payload[size - 1] != 'x'))
		die("the wrong payload arrived", 0);
	for (size_t i = 0; i < size; i += 64)
		(void)bytes[i];
}
