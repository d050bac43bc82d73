/*
 * A program that does what it is told on its standard input, one command a line, so that a test can watch what a file system call does to an
 * ordinary process. Every line it prints is the outcome of one command.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

static int file = -1;
static unsigned int command;
static pthread_t worker;
static atomic_int handled;
static atomic_int working;

static void on_signal(int number)
{
	(void)number;
	atomic_fetch_add(&handled, 1);
}

static void *work(void *unused)
{
	char data[16] = "0123456789abcde";
	int result;

	(void)unused;
	atomic_store(&working, 1);
	errno = 0;
	result = ioctl(file, command, data);
	printf("ioctl %d errno %d handled %d data %.15s\n", result, result < 0 ? errno : 0, atomic_load(&handled), data);
	return NULL;
}

static void install(const char *how)
{
	struct sigaction action = { .sa_handler = on_signal };

	if (strcmp(how, "restart") == 0)
		action.sa_flags = SA_RESTART;
	else if (strcmp(how, "ignore") == 0)
		action.sa_handler = SIG_IGN;
	sigaction(SIGUSR1, &action, NULL);
}

static void wait_for(int timeout)
{
	struct pollfd entry = { .fd = file, .events = POLLIN };
	int result = poll(&entry, 1, timeout);

	printf("poll %d revents %d\n", result, entry.revents);
}

int main(int argc, char **argv)
{
	char line[256];
	sigset_t set;

	if (argc != 2)
		return 64;
	setvbuf(stdout, NULL, _IOLBF, 0);
	file = open(argv[1], O_RDWR);
	if (file < 0) {
		printf("open errno %d\n", errno);
		return 1;
	}
	printf("open\n");
	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	while (fgets(line, sizeof(line), stdin)) {
		line[strcspn(line, "\n")] = 0;
		if (strncmp(line, "handler ", 8) == 0) {
			install(line + 8);
		} else if (strncmp(line, "ioctl ", 6) == 0) {
			command = strtoul(line + 6, NULL, 16);
			atomic_store(&working, 0);
			pthread_create(&worker, NULL, work, NULL);
			pthread_detach(worker);
			while (!atomic_load(&working))
				usleep(100);
		} else if (strcmp(line, "signal worker") == 0) {
			pthread_kill(worker, SIGUSR1);
		} else if (strcmp(line, "signal main") == 0) {
			pthread_kill(pthread_self(), SIGUSR1);
			printf("handled %d\n", atomic_load(&handled));
		} else if (strcmp(line, "signal process") == 0) {
			kill(getpid(), SIGUSR1);
		} else if (strcmp(line, "block main") == 0) {
			pthread_sigmask(SIG_BLOCK, &set, NULL);
		} else if (strncmp(line, "poll ", 5) == 0) {
			wait_for(atoi(line + 5));
		}
	}
	return 0;
}
