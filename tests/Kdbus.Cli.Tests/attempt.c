/* SPDX-License-Identifier: MIT
 *
 * attempt ENDPOINT: connects, prints its connection id, and then tries what it reads from standard input, a line each: "own NAME", "talk NAME", "see NAME". It prints the errno of
 * each, 0 if it was allowed. A name that was got is given up again.
 */
#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <kdbus.h>

#define ALIGN8(n) (((n) + 7) & ~(__u64)7)

struct buffer {
	union {
		struct kdbus_cmd command;
		struct kdbus_cmd_info info;
		struct kdbus_msg message;
		unsigned char bytes[1024];
	};
} __attribute__((aligned(8)));

static __u64 add_string(void *at, __u64 type, const char *text)
{
	struct kdbus_item *item = at;

	item->type = type;
	item->size = offsetof(struct kdbus_item, data) + strlen(text) + 1;
	strcpy((char *)at + offsetof(struct kdbus_item, data), text);
	return ALIGN8(item->size);
}

static int own(int fd, const char *name)
{
	struct buffer buffer = { 0 };

	buffer.command.size = sizeof(struct kdbus_cmd) + add_string(buffer.bytes + sizeof(struct kdbus_cmd), KDBUS_ITEM_NAME, name);
	if (ioctl(fd, KDBUS_CMD_NAME_ACQUIRE, &buffer) < 0)
		return errno;
	buffer.command.flags = 0;
	return ioctl(fd, KDBUS_CMD_NAME_RELEASE, &buffer) < 0 ? errno : 0;
}

static int talk(int fd, const char *name)
{
	struct buffer buffer = { 0 };
	struct kdbus_cmd_send send = { .size = sizeof(send), .msg_address = (unsigned long)&buffer };

	buffer.message.dst_id = KDBUS_DST_ID_NAME;
	buffer.message.payload_type = KDBUS_PAYLOAD_DBUS;
	buffer.message.cookie = 1;
	buffer.message.size = sizeof(struct kdbus_msg) + add_string(buffer.bytes + sizeof(struct kdbus_msg), KDBUS_ITEM_DST_NAME, name);
	return ioctl(fd, KDBUS_CMD_SEND, &send) < 0 ? errno : 0;
}

static int see(int fd, const char *name)
{
	struct buffer buffer = { 0 };
	struct kdbus_cmd_free release = { .size = sizeof(release) };

	buffer.info.size = sizeof(struct kdbus_cmd_info) + add_string(buffer.bytes + sizeof(struct kdbus_cmd_info), KDBUS_ITEM_NAME, name);
	if (ioctl(fd, KDBUS_CMD_CONN_INFO, &buffer) < 0)
		return errno;
	release.offset = buffer.info.offset;
	return ioctl(fd, KDBUS_CMD_FREE, &release) < 0 ? errno : 0;
}

int main(int count, char **arguments)
{
	struct kdbus_cmd_hello hello = { .size = sizeof(hello), .pool_size = 1 << 20, .attach_flags_send = _KDBUS_ATTACH_ANY };
	char what[8], name[256];
	int fd = count == 2 ? open(arguments[1], O_RDONLY | O_CLOEXEC) : -1;

	if (fd < 0 || ioctl(fd, KDBUS_CMD_HELLO, &hello) < 0) {
		perror("attempt");
		return 1;
	}
	printf("%llu\n", (unsigned long long)hello.id);
	fflush(stdout);
	while (scanf("%7s %255s", what, name) == 2) {
		printf("%d\n", *what == 'o' ? own(fd, name) : *what == 't' ? talk(fd, name) : see(fd, name));
		fflush(stdout);
	}
	return 0;
}
