/* SPDX-License-Identifier: MIT
 *
 * clock-service ENDPOINT [REQUESTS]: tells everybody who asks what time it is; leaves after that many requests.
 *
 * A service is a loop: wait for a message, look at it, send the answer to its sender, give its room back.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include "connection.h"

static void time_of_day(char *text, size_t size)
{
	struct timespec now;
	struct tm utc;
	size_t used;

	clock_gettime(CLOCK_REALTIME, &now);
	gmtime_r(&now.tv_sec, &utc);
	used = strftime(text, size, "%H:%M:%S", &utc);
	snprintf(text + used, size - used, ".%06ld UTC", now.tv_nsec / 1000);
}

static int serve(struct connection *connection)
{
	const struct kdbus_msg *request;
	char question[256], answer[256], now[32];
	int result = connection_receive(connection, -1, &request);

	if (result < 0)
		return result;
	if (request->src_id == KDBUS_SRC_ID_KERNEL || !(request->flags & KDBUS_MSG_EXPECT_REPLY)) {
		connection_free_message(connection, request);
		return -EAGAIN;
	}
	result = connection_text(request, question, sizeof(question));
	if (result == 0) {
		time_of_day(now, sizeof(now));
		snprintf(answer, sizeof(answer), "it is %s, says process %d, written in C", now, getpid());
		printf("clock-service (C): %llu asks \"%s\"\n", (unsigned long long)request->src_id, question);
		result = connection_send(connection, request->src_id, request->cookie, answer);
	}
	connection_free_message(connection, request);
	/* Whoever asked may be gone, may not wait any longer, or may send what we do not read: no reason to stop serving. */
	if (result < 0) {
		fprintf(stderr, "clock-service: a request could not be answered: %s\n", strerror(-result));
		return -EAGAIN;
	}
	return result;
}

int main(int argc, char **argv)
{
	struct connection connection;
	long left = argc > 2 ? strtol(argv[2], NULL, 10) : -1;
	int result;

	if (argc < 2 || argc > 3 || left == 0) {
		fprintf(stderr, "usage: clock-service ENDPOINT [REQUESTS]\n");
		return 2;
	}
	setvbuf(stdout, NULL, _IOLBF, 0);
	result = connection_open(&connection, argv[1], "clock-service");
	if (result < 0) {
		fprintf(stderr, "clock-service: cannot connect to %s: %s\n", argv[1], strerror(-result));
		return 1;
	}
	printf("clock-service (C): I am connection %llu\n", (unsigned long long)connection.id);
	while (left != 0) {
		result = serve(&connection);
		if (result == 0 && left > 0)
			left--;
		if (result < 0 && result != -EAGAIN) {
			fprintf(stderr, "clock-service: %s\n", strerror(-result));
			break;
		}
	}
	connection_close(&connection);
	return left == 0 ? 0 : 1;
}
