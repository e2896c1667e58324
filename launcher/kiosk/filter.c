#include "launcher/kiosk/filter.h"

#include <errno.h>
#include <seccomp.h>
#include <sys/prctl.h>

static const char *const forbidden[] = {
    /* other processes' memory and the kernel's inside */
    "ptrace", "process_vm_readv", "process_vm_writev", "bpf", "perf_event_open", "userfaultfd", "lookup_dcookie",
    "syslog", "kexec_load", "kexec_file_load", "init_module", "finit_module", "delete_module",
    /* large or old parts of the kernel that nothing here uses */
    "io_uring_setup", "io_uring_enter", "io_uring_register", "add_key", "request_key", "keyctl", "fanotify_init",
    "open_by_handle_at", "quotactl", "quotactl_fd", "acct", "uselib", "modify_ldt", "vmsplice", "migrate_pages",
    "move_pages", "remap_file_pages",
    /* the machine */
    "reboot", "swapon", "swapoff", "iopl", "ioperm", "settimeofday", "clock_settime", "clock_adjtime", "adjtimex",
    "vhangup", "nfsservctl", NULL};

const char *filter_forbidden(size_t nth) { return nth < sizeof forbidden / sizeof *forbidden ? forbidden[nth] : NULL; }

static int forbid(scmp_filter_ctx filter, const char *name)
{
	int number = seccomp_syscall_resolve_name(name);
	/* One that this kernel's machine does not have cannot be called either. */
	if (number == __NR_SCMP_ERROR || number < 0)
		return 0;
	return seccomp_rule_add(filter, SCMP_ACT_KILL_PROCESS, number, 0);
}

int filter_enter(void)
{
	scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ALLOW);
	int error = filter ? 0 : -ENOMEM;
	for (size_t i = 0; !error && forbidden[i]; i++)
		error = forbid(filter, forbidden[i]);
	if (!error)
		error = seccomp_load(filter); /* sets no_new_privs */
	seccomp_release(filter);
	/* Kernels before 6.3 do not know it; ours does. */
	if (!error && prctl(PR_SET_MDWE, PR_MDWE_REFUSE_EXEC_GAIN, 0, 0, 0) < 0 && errno != EINVAL)
		error = -errno;
	return error;
}
