/* SPDX-License-Identifier: MIT
 *
 * swarm ENDPOINT CLIENTS MILLISECONDS SEED: processes that connect, send each other texts of 64 bytes to 100 KiB, as messages and as
 * synchronous calls, receive and answer, and are killed with SIGKILL one after the other at random moments of that time, wherever
 * they are. Writes how many messages were received, how many calls were answered, and how many processes had connected when they were killed.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include "connection.h"

#define SMALLEST 64
#define LARGEST (100 << 10)
#define CALL_MS 100

struct board {
	unsigned long received, answered;
	__u64 ids[];			/* 0 = not connected yet */
};

static void receive_all(struct connection *connection, struct board *board)
{
	const struct kdbus_msg *message;

	while (connection_receive(connection, 0, &message) == 0) {
		if (message->flags & KDBUS_MSG_EXPECT_REPLY)
			connection_send(connection, message->src_id, message->cookie, "answer");
		connection_free(connection, message);
		__atomic_add_fetch(&board->received, 1, __ATOMIC_RELAXED);
	}
}

static void client(const char *endpoint, struct board *board, int self, int count)
{
	static char text[LARGEST + 1];
	struct connection connection;

	srandom(self + 1);
	memset(text, 'a' + self % 26, LARGEST);
	if (connection_open(&connection, endpoint, "swarm") < 0)
		_exit(1);
	board->ids[self] = connection.id;
	for (__u64 cookie = 1;; cookie++) {
		const size_t length = random() % 4 ? SMALLEST : SMALLEST + random() % (LARGEST - SMALLEST);
		const __u64 to = board->ids[random() % count];
		const struct kdbus_msg *answer;

		/* Whatever comes of it: the receiver may be dead, or its pool full. */
		text[length] = '\0';
		if (random() % 3) {
			connection_send(&connection, to, 0, text);
		} else if (connection_call(&connection, to, cookie, text, CALL_MS, &answer) == 0) {
			connection_free(&connection, answer);
			__atomic_add_fetch(&board->answered, 1, __ATOMIC_RELAXED);
		}
		text[length] = 'a' + self % 26;
		receive_all(&connection, board);
	}
}

int main(int argc, char **argv)
{
	const int count = argc == 5 ? atoi(argv[2]) : 0;
	int connected = 0;

	if (count <= 0) {
		fprintf(stderr, "usage: swarm ENDPOINT CLIENTS MILLISECONDS SEED\n");
		return 2;
	}
	struct board *board = mmap(NULL, sizeof(*board) + count * sizeof(board->ids[0]), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	pid_t pids[count];

	if (board == MAP_FAILED) {
		perror("swarm: mmap");
		return 1;
	}
	for (int i = 0; i < count; i++) {
		pids[i] = fork();
		if (pids[i] < 0) {
			perror("swarm: fork");
			return 1;
		}
		if (pids[i] == 0) {
			prctl(PR_SET_PDEATHSIG, SIGKILL);
			client(argv[1], board, i, count);
		}
	}

	srandom(atoi(argv[4]));
	for (int left = count; left > 0; left--) {
		const int victim = random() % left;

		usleep(random() % (2 * atoi(argv[3]) * 1000 / count + 1));
		kill(pids[victim], SIGKILL);
		waitpid(pids[victim], NULL, 0);
		pids[victim] = pids[left - 1];
	}
	for (int i = 0; i < count; i++)
		connected += board->ids[i] != 0;
	printf("%lu %lu %d\n", board->received, board->answered, connected);
	return 0;
}
