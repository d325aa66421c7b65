/* Loading the crash kernel: kexec_file_load(2), or kexec(8) where the kernel does not have it. */
#include <linux/kexec.h>
#include <sys/mman.h>
#include <sys/syscall.h>

#include "base/log.h"
#include "base/run.h"
#include "setting/kdump.h"

static const char kexec_program[] = "/sbin/kexec";

static int kexec_file_load(int kernel, int initrd, const char *append, unsigned long flags)
{
#ifdef SYS_kexec_file_load
	/* The length counts the NUL. */
	if (syscall(SYS_kexec_file_load, kernel, initrd, append ? strlen(append) + 1 : 0UL, append,
		    flags | KEXEC_FILE_ON_CRASH) < 0)
		return -errno;
	return 0;
#else
	return -ENOSYS;
#endif
}

/* Runs it; what it says, at boot nobody would see: its last line that is not empty is *@ret_says,
 * and all of them are logged. */
static int run_kexec(char *const argv[], char **ret_says)
{
	_cleanup_close_ int out = memfd_create("kexec", MFD_CLOEXEC);
	_cleanup_free_ char *text = NULL;
	char *line, *rest;
	int status = run_program(argv, out, out);
	size_t size;

	if (out < 0 || lseek(out, 0, SEEK_SET) < 0 || read_all(out, 1U << 16, &text, &size) < 0)
		return status == 0 ? 0 : -EIO;
	for (line = strtok_r(text, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest)) {
		log_info("kexec: %.200s", line);
		free(*ret_says);
		*ret_says = strdup(line);
	}
	return status == 0 ? 0 : -EIO;
}

/* @kernel < 0: unload. The files are named by our own descriptors: what was examined is loaded. */
static int kexec_by_program(int kernel, int initrd, const char *append, char **ret_says)
{
	char unload[] = "-u", crash[] = "-p", program[sizeof(kexec_program)];
	char kernel_path[64], initrd_option[64];
	_cleanup_free_ char *append_option = NULL;
	char *argv[6] = { program, crash };
	int n = 2;

	if (access(kexec_program, X_OK) < 0)
		return -ENOSYS;
	memcpy(program, kexec_program, sizeof(program));
	snprintf(kernel_path, sizeof(kernel_path), "/proc/%d/fd/%d", (int)getpid(), kernel);
	snprintf(initrd_option, sizeof(initrd_option), "--initrd=/proc/%d/fd/%d", (int)getpid(),
		 initrd);
	if (kernel < 0) {
		argv[n++] = unload;
	} else {
		argv[n++] = kernel_path;
		if (asprintf(&append_option, "--command-line=%s", append) < 0)
			return -ENOMEM;
		argv[n++] = append_option;
		if (initrd >= 0)
			argv[n++] = initrd_option;
	}
	log_info("kdump: this kernel has no kexec_file_load(2): by %s", kexec_program);
	return run_kexec(argv, ret_says);
}

/* @says: what kexec(8) said last, or NULL. */
static int explain(const struct machine *m, int error, const char *says, char **ret_why)
{
	_cleanup_free_ char *lockdown = NULL;
	const char *why = NULL;

	switch (-error) {
	case EADDRNOTAVAIL:
	case ENOMEM:
		why = "the reserved memory is too small for kernel and initramfs: boot with a "
		      "larger crashkernel=";
		break;
	case EBUSY:
		why = "another program is loading a kernel now: try again";
		break;
	case EPERM:
		if (root_read_text(&m->sysfs, "kernel/security/lockdown", 256, &lockdown) == 0 &&
		    !strstr(lockdown, "[none]"))
			why = "the kernel is locked down: sign the image with a key that it "
			      "trusts, or boot without lockdown";
		else
			why = "not allowed: it takes CAP_SYS_BOOT, a kexec that is not locked, "
			      "and a signed image where the kernel is locked down";
		break;
	case EKEYREJECTED:
	case ENOKEY:
	case EBADMSG:
	case ENODATA:
	case ENOPKG:
		why = "the kernel accepts signed images only: sign the image with a key that it "
		      "trusts";
		break;
	case ENOEXEC:
		why = "the image is no kernel that this one can load: name another by "
		      "'kernel' below 'kdump'";
		break;
	case ENOSYS:
		why = "this kernel has no kexec_file_load(2), and there is no /sbin/kexec: "
		      "install kexec-tools";
		break;
	case EIO:
		if (asprintf(ret_why, "kexec(8) failed: %.200s",
			     says ? says : "it does not say why") < 0)
			*ret_why = NULL;
		return error;
	}
	*ret_why = strdup(why ? why : strerror(-error));
	/* Out of memory stands for our own. */
	return error == -ENOMEM ? -EADDRNOTAVAIL : error;
}

int kdump_load(const struct machine *m, const struct kdump *k, char **ret_why)
{
	_cleanup_free_ char *says = NULL;
	int ret;

	if (!machine_is_real(m))
		return machine_refuse(m, "loaded", ret_why);
	ret = kexec_file_load(k->kernel, k->initrd, k->append,
			      k->initrd < 0 ? KEXEC_FILE_NO_INITRAMFS : 0);
	if (ret == -ENOSYS)
		ret = kexec_by_program(k->kernel, k->initrd, k->append, &says);
	if (ret < 0) /* the one before is gone, too */
		kdump_note_loaded(m, NULL);
	else if (kdump_note_loaded(m, k) < 0)
		log_debug("kdump: what was loaded is not noted");
	return ret < 0 ? explain(m, ret, says, ret_why) : 0;
}

int kdump_unload(const struct machine *m, char **ret_why)
{
	_cleanup_free_ char *says = NULL;
	int ret;

	if (!machine_is_real(m))
		return machine_refuse(m, "unloaded", ret_why);
	ret = kexec_file_load(-1, -1, NULL, KEXEC_FILE_UNLOAD);
	if (ret == -ENOSYS)
		ret = kexec_by_program(-1, -1, NULL, &says);
	if (ret >= 0)
		kdump_note_loaded(m, NULL);
	return ret < 0 ? explain(m, ret, says, ret_why) : 0;
}
