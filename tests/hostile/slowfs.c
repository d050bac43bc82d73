/* SPDX-License-Identifier: MIT
 *
 * slowfs DIR UID: a FUSE mount whose server answers a READ only when it is told to, so that memory mapped from its files
 * blocks whoever touches it. The mount belongs to UID, as if that user had made it with fusermount3, and everybody may use it.
 *
 * It has eight files, 0 to 7, of 1 MiB each; every byte that was not written is 'x'. A file that is not held is always ready for
 * poll, unless it is quiet; a POLL of one that is held stays unanswered like a READ. Commands come on standard input, one a line, each is
 * acknowledged by the same line on standard output:
 *   hold N     READs of file N stay unanswered from now on
 *   answer N   answers what is held of file N, and what comes
 *   drop N     drops the cached pages of file N
 *   quiet N    file N is not ready for poll from now on
 *   wake N     tells whoever polls file N to look again
 *   waiting N  answered by "waiting N COUNT": how many READs of N are held, -1 if the mount was aborted
 * It ends at the end of its input, and takes its mount away; what is still held then fails.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>
#include <linux/fuse.h>

#define FILES 8
#define FILE_SIZE (1 << 20)
#define FIRST_NODE 2			/* node of file 0; FUSE_ROOT_ID is 1 */
#define HELD_MAX 64

struct held_read {
	uint64_t unique, offset;
	uint32_t size;
};

static struct file {
	unsigned char bytes[FILE_SIZE];
	int holding, held, quiet;
	uint64_t poller;			/* whom to wake */
	struct held_read reads[HELD_MAX];	/* of size 0: a POLL */
} files[FILES];

static int device, aborted;
static unsigned owner;

static void answer(uint64_t unique, int error, const void *data, size_t size)
{
	struct fuse_out_header header = { .len = sizeof(header) + size, .error = error, .unique = unique };
	struct iovec parts[2] = { { &header, sizeof(header) }, { (void *)data, size } };

	/* ENOENT: whoever asked was interrupted. */
	if (writev(device, parts, 2) < 0 && errno != ENOENT)
		perror("slowfs: answer");
}

static struct fuse_attr attributes(uint64_t node)
{
	const int is_root = node == FUSE_ROOT_ID;

	return (struct fuse_attr){
		.ino = node, .size = is_root ? 0 : FILE_SIZE, .blocks = FILE_SIZE / 512, .blksize = 4096, .nlink = 1, .uid = owner,
		.mode = is_root ? S_IFDIR | 0755 : S_IFREG | 0666,
	};
}

static void answer_read(struct file *file, const struct held_read *read)
{
	const size_t end = read->offset + read->size > FILE_SIZE ? FILE_SIZE : read->offset + read->size;

	if (read->size == 0) {
		const struct fuse_poll_out out = { .revents = file->quiet ? 0 : POLLIN };

		answer(read->unique, 0, &out, sizeof(out));
		return;
	}
	answer(read->unique, 0, file->bytes + read->offset, read->offset < end ? end - read->offset : 0);
}

static void take_read(uint64_t node, uint64_t unique, const struct fuse_read_in *in)
{
	struct file *file = &files[node - FIRST_NODE];
	const struct held_read read = { unique, in ? in->offset : 0, in ? in->size : 0 };

	if (file->holding && file->held < HELD_MAX)
		file->reads[file->held++] = read;
	else
		answer_read(file, &read);
}

static void take_write(uint64_t node, uint64_t unique, const struct fuse_write_in *in)
{
	const struct fuse_write_out out = { .size = in->size };

	if (in->offset + in->size <= FILE_SIZE)
		memcpy(files[node - FIRST_NODE].bytes + in->offset, in + 1, in->size);
	answer(unique, 0, &out, sizeof(out));
}

static void lookup(uint64_t unique, const char *name)
{
	const uint64_t node = FIRST_NODE + (name[0] - '0');
	const struct fuse_entry_out out = { .nodeid = node, .entry_valid = 3600, .attr_valid = 3600, .attr = attributes(node) };

	if (name[0] < '0' || name[0] >= '0' + FILES || name[1] != '\0')
		answer(unique, -ENOENT, NULL, 0);
	else
		answer(unique, 0, &out, sizeof(out));
}

static void take_request(const char *buffer)
{
	const struct fuse_in_header *in = (const void *)buffer;
	const void *body = in + 1;

	switch (in->opcode) {
	case FUSE_INIT: {
		const struct fuse_init_out out = { .major = 7, .minor = 31, .max_write = 128 << 10, .max_background = 64 };

		answer(in->unique, 0, &out, sizeof(out));
		break;
	}
	case FUSE_LOOKUP:
		lookup(in->unique, body);
		break;
	case FUSE_GETATTR:
	case FUSE_SETATTR: {
		const struct fuse_attr_out out = { .attr_valid = 3600, .attr = attributes(in->nodeid) };

		answer(in->unique, 0, &out, sizeof(out));
		break;
	}
	case FUSE_OPEN: {
		const struct fuse_open_out out = { .open_flags = FOPEN_KEEP_CACHE };

		answer(in->unique, 0, &out, sizeof(out));
		break;
	}
	case FUSE_READ:
		take_read(in->nodeid, in->unique, body);
		break;
	case FUSE_POLL:
		files[in->nodeid - FIRST_NODE].poller = ((const struct fuse_poll_in *)body)->kh;
		take_read(in->nodeid, in->unique, NULL);
		break;
	case FUSE_WRITE:
		take_write(in->nodeid, in->unique, body);
		break;
	case FUSE_RELEASE:
	case FUSE_FLUSH:
		answer(in->unique, 0, NULL, 0);
		break;
	case FUSE_FORGET:
	case FUSE_BATCH_FORGET:
	case FUSE_INTERRUPT:
		break;
	default:
		answer(in->unique, -ENOSYS, NULL, 0);
	}
}

static void drop(int number)
{
	const struct fuse_notify_inval_inode_out out = { .ino = FIRST_NODE + number };
	struct fuse_out_header header = { .len = sizeof(header) + sizeof(out), .error = FUSE_NOTIFY_INVAL_INODE };
	struct iovec parts[2] = { { &header, sizeof(header) }, { (void *)&out, sizeof(out) } };

	if (writev(device, parts, 2) < 0 && errno != ENOENT)
		perror("slowfs: drop");
}

static void wake(const struct file *file)
{
	const struct fuse_notify_poll_wakeup_out out = { .kh = file->poller };
	struct fuse_out_header header = { .len = sizeof(header) + sizeof(out), .error = FUSE_NOTIFY_POLL };
	struct iovec parts[2] = { { &header, sizeof(header) }, { (void *)&out, sizeof(out) } };

	if (writev(device, parts, 2) < 0)
		perror("slowfs: wake");
}

static int take_command(const char *line)
{
	char word[16];
	int number;

	if (sscanf(line, "%15s %d", word, &number) != 2 || number < 0 || number >= FILES)
		return -1;
	struct file *file = &files[number];

	if (strcmp(word, "waiting") == 0) {
		printf("waiting %d %d\n", number, aborted ? -1 : file->held);
	} else {
		if (strcmp(word, "hold") == 0) {
			file->holding = 1;
		} else if (strcmp(word, "quiet") == 0) {
			file->quiet = 1;
		} else if (strcmp(word, "wake") == 0) {
			wake(file);
		} else if (strcmp(word, "drop") == 0) {
			drop(number);
		} else if (strcmp(word, "answer") == 0) {
			file->holding = 0;
			while (file->held > 0)
				answer_read(file, &file->reads[--file->held]);
		} else {
			return -1;
		}
		printf("%s %d\n", word, number);
	}
	fflush(stdout);
	return 0;
}

int main(int argc, char **argv)
{
	static char buffer[(128 << 10) + 4096];
	char options[128], line[64];

	if (argc != 3) {
		fprintf(stderr, "usage: slowfs DIR UID\n");
		return 2;
	}
	owner = strtoul(argv[2], NULL, 10);
	for (int i = 0; i < FILES; i++)
		memset(files[i].bytes, 'x', FILE_SIZE);
	device = open("/dev/fuse", O_RDWR | O_CLOEXEC | O_NONBLOCK);
	if (device < 0) {
		perror("slowfs: /dev/fuse");
		return 1;
	}
	snprintf(options, sizeof(options), "fd=%d,rootmode=40755,user_id=%u,group_id=%u,allow_other", device, owner, owner);
	if (mount("slowfs", argv[1], "fuse.slowfs", MS_NOSUID | MS_NODEV, options) < 0) {
		perror("slowfs: mount");
		return 1;
	}
	/* Who interrupts the tests from a terminal means them: we end when they do, and take the mount away. */
	signal(SIGINT, SIG_IGN);
	setvbuf(stdin, NULL, _IONBF, 0);
	puts("ready");
	fflush(stdout);

	for (;;) {
		struct pollfd ready[2] = { { .fd = aborted ? -1 : device, .events = POLLIN }, { .fd = STDIN_FILENO, .events = POLLIN } };

		if (poll(ready, 2, -1) < 0)
			break;
		/* Aborted from outside: there is nothing to serve any more, but the test still talks to us. */
		if (ready[0].revents & POLLERR)
			aborted = 1;
		while (!aborted && read(device, buffer, sizeof(buffer)) > 0)
			take_request(buffer);
		if (ready[1].revents && (!fgets(line, sizeof(line), stdin) || take_command(line) < 0))
			break;
	}
	close(device);
	if (umount2(argv[1], MNT_DETACH) < 0) {
		perror("slowfs: umount");
		return 1;
	}
	return 0;
}
