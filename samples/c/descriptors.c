/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE
#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include "descriptors.h"
#include "frame.h"

enum { MOST = 253 };	/* descriptors that one message of a unix socket can carry */

int descriptors_open(struct descriptors *way)
{
	int pair[2];

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
		return -errno;
	way->ours = pair[0];
	way->theirs = pair[1];
	return 0;
}

void descriptors_close(struct descriptors *way)
{
	close(way->ours);
	close(way->theirs);
}

void descriptors_ask(const struct descriptors *way, struct frame *command)
{
	if (way->theirs >= 0)
		frame_add(command, KDBUS_ITEM_FD_SOCKET, &way->theirs, sizeof(way->theirs));
}

/* Of those that came we may have got fewer, if we have no room for more. */
static size_t numbers_of(struct msghdr *message, int *numbers)
{
	struct cmsghdr *control = CMSG_FIRSTHDR(message);
	size_t size;

	if (!control || control->cmsg_level != SOL_SOCKET || control->cmsg_type != SCM_RIGHTS)
		return 0;
	size = control->cmsg_len - CMSG_LEN(0);
	memcpy(numbers, CMSG_DATA(control), size);
	return size / sizeof(int);
}

int descriptors_take(const struct descriptors *way, int fd, __u64 offset)
{
	union {
		struct cmsghdr header;
		char bytes[CMSG_SPACE(MOST * sizeof(int))];
	} control;
	struct kdbus_fd_message head;
	struct iovec piece = { .iov_base = &head, .iov_len = sizeof(head) };
	struct msghdr message = {
		.msg_iov = &piece,
		.msg_iovlen = 1,
		.msg_control = &control,
		.msg_controllen = sizeof(control),
	};
	int numbers[MOST];
	struct frame installed;

	if (way->ours < 0)
		return 0;
	if (recvmsg(way->ours, &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC) < 0)
		return errno == EAGAIN ? 0 : -errno;	/* most messages bring none */
	for (size_t i = numbers_of(&message, numbers); i < head.count; i++)
		numbers[i] = -1;
	frame_begin(&installed, sizeof(installed.fds_installed));
	installed.fds_installed.offset = offset;
	frame_add(&installed, KDBUS_ITEM_FDS, numbers, head.count * sizeof(int));
	return frame_issue(&installed, fd, KDBUS_CMD_FDS_INSTALLED);
}

static void drop(int fd)
{
	if (fd >= 0)
		close(fd);
}

void descriptors_drop(const struct kdbus_msg *message)
{
	for_each_item(item, message) {
		switch (item->type) {
		case KDBUS_ITEM_PAYLOAD_MEMFD:
			drop(item->memfd.fd);
			break;
		case KDBUS_ITEM_FDS:
		case KDBUS_ITEM_PIDFD:
			for (size_t i = 0; i < (item->size - ITEM_HEADER) / sizeof(int); i++)
				drop(item->fds[i]);
		}
	}
}
