/* confine.h - takes from this process what a parser of a file does not need, for good. */
#ifndef HELPER_CONFINE_H
#define HELPER_CONFINE_H

/* What holds, as a sum; 0: limits of resources alone. */
enum {
  CONFINE_CALLS = 1, /* seccomp: no system call but those that read, compute and answer */
  CONFINE_FILES = 2, /* Landlock: no path can be opened, where the kernel has it */
};

/* Nothing is open but 0, 1, 2 and `last`; no new privileges; limits on memory, time (by `bytes`,
 * the file's length), files and processes; then, where the kernel has them, Landlock and seccomp.
 * After it a call that is not in the list fails with EPERM. */
int confine(int last, long long bytes);

#endif
