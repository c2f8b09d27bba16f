/* hdf5_disk.h - how HDF5's bytes reach the disk and come from it: a driver for the library that
 * keeps the first error to itself. The library, once a write has failed, can neither close the file
 * nor end the process in peace; so it is told that all went well, and we ask the driver. */
#ifndef IO_HDF5_DISK_H
#define IO_HDF5_DISK_H

#include <hdf5.h>

/* Where the bytes go, and how that went. */
typedef struct hdf5_disk {
  int fd;    /* open for reading, or for that and writing; stays open */
  int error; /* errno of the first write that failed; 0: none. The file is then useless */
} hdf5_disk;

/* A driver; H5FDunregister it after the file is closed. Negative: none. */
hid_t hdf5_disk_register(void);
/* Files opened with `access`, whatever their name, are to->fd. *to has to outlive the file. Bytes
 * that the library holds back reach the driver with H5Fflush. */
void hdf5_disk_use(hid_t access, hid_t driver, hdf5_disk *to);

#endif
