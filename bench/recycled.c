/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>
#include "harness.h"
#include "recycled.h"

enum { MOST = 16 };

static struct known {
	dev_t device;
	ino_t inode;
	const unsigned char *bytes;
} known[MOST];

int recycled_make(size_t size)
{
	const int fd = memfd_create("bench", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	unsigned char *bytes;

	if (fd < 0 || ftruncate(fd, size) < 0)
		die("memfd_create", errno);
	bytes = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (bytes == MAP_FAILED)
		die("mmap", errno);
	memset(bytes, 'x', size);
	payload_set(bytes, size);
	munmap(bytes, size);
	if (fcntl(fd, F_ADD_SEALS, F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE) < 0)
		die("F_ADD_SEALS", errno);
	return fd;
}

int recycled_collect(int socket)
{
	union {
		struct cmsghdr header;
		char bytes[CMSG_SPACE(sizeof(int))];
	} control;
	struct kdbus_fd_message head;
	struct iovec piece = { .iov_base = &head, .iov_len = sizeof(head) };
	struct msghdr message = { .msg_iov = &piece, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof(control) };
	int fd;

	if (recvmsg(socket, &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC) < 0) {
		if (errno == EAGAIN)
			return -1;
		die("recvmsg", errno);
	}
	if (head.count != 1 || control.header.cmsg_len != CMSG_LEN(sizeof(fd)))
		die("the wrong number of descriptors arrived", 0);
	memcpy(&fd, CMSG_DATA(&control.header), sizeof(fd));
	return fd;
}

const unsigned char *recycled_open(int fd, size_t size)
{
	struct known *place = known;
	struct stat file;
	void *bytes;

	if (fstat(fd, &file) < 0)
		die("fstat", errno);
	for (; place < known + MOST && place->bytes; place++)
		if (place->device == file.st_dev && place->inode == file.st_ino) {
			close(fd);
			return place->bytes;
		}
	if (place == known + MOST || (size_t)file.st_size != size)
		die("an unexpected memfd arrived", 0);
	bytes = mmap(NULL, size, PROT_READ, MAP_SHARED | MAP_POPULATE, fd, 0);
	if (bytes == MAP_FAILED)
		die("mmap of a memfd", errno);
	*place = (struct known){ .device = file.st_dev, .inode = file.st_ino, .bytes = bytes };
	close(fd);
	return bytes;
}
