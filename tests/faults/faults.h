/* faults.h - makes the k-th call of a kind fail, in programs linked with --wrap (CMakeLists.txt):
 * what the library's own object files and jansson ask of the C library. What HDF5, MuJoCo, zlib and
 * the C library do among themselves is left alone. */
#ifndef TESTS_FAULTS_H
#define TESTS_FAULTS_H

#include <stdbool.h>

typedef enum fault_kind {
  FAULT_NONE,
  FAULT_STORAGE, /* open write fsync rename close ...: EIO. Not in child processes */
  FAULT_MEMORY,  /* malloc and its kin, threads. The child that reads HDF5 counts too */
  FAULT_READ,    /* read fread fseeko stat fstat: EIO */
  FAULT_SIGNAL,  /* read write: EINTR, as a signal leaves them */
} fault_kind;

/* The k-th call from now fails, k = 1, 2, ...; with `stays` every one after it too. */
void fault_arm(fault_kind kind, long k, bool stays);
/* Nothing fails any more. True: something did. */
bool fault_disarm(void);

/* Blocks of memory taken and not given back. */
long fault_live_blocks(void);
/* Open file descriptors of this process. */
int fault_open_files(void);

#endif
