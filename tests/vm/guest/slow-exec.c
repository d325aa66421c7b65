/* slow-exec MILLISECONDS PROGRAM ARGUMENT: executes it, but the kernel, which has opened the
 * program by then, waits so long for the argument: that is in memory which a child fills in
 * (userfaultfd(2)). */
#include <fcntl.h>
#include <linux/userfaultfd.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

static char content[65536] __attribute__((aligned(65536)));

int main(int argc, char **argv)
{
	struct uffdio_api api = { .api = UFFD_API };
	size_t size = (size_t)sysconf(_SC_PAGESIZE);
	char *page = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	int fd = (int)syscall(SYS_userfaultfd, O_CLOEXEC);
	struct uffdio_register range = { .range = { (uintptr_t)page, size },
					 .mode = UFFDIO_REGISTER_MODE_MISSING };
	struct uffdio_copy copy = { .dst = (uintptr_t)page,
				    .src = (uintptr_t)content,
				    .len = size };

	if (argc != 4 || page == MAP_FAILED || ioctl(fd, UFFDIO_API, &api) < 0 ||
	    ioctl(fd, UFFDIO_REGISTER, &range) < 0)
		return 1;
	strncpy(content, argv[3], size - 1);
	if (fork() == 0) {
		usleep((unsigned)atoi(argv[1]) * 1000);
		_exit(ioctl(fd, UFFDIO_COPY, &copy) < 0);
	}
	execv(argv[2], (char *[]){ argv[2], page, NULL });
	return 127;
}
