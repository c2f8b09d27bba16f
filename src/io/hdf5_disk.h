/* hdf5_disk.h - how HDF5's bytes reach the disk when we write: a driver for the library that keeps
 * the first error to itself. The library, once a write has failed, can neither close the file nor
 * end the process in peace; so it is told that all went well, and we ask the driver. */
#ifndef IO_HDF5_DISK_H
#define IO_HDF5_DISK_H

#include <hdf5.h>

/* A driver; H5FDunregister it after the file is closed. Negative: none. */
hid_t hdf5_disk_register(void);
/* Files opened with `access` go through the driver. *error, which starts at 0 and has to outlive
 * the file, receives the errno of the first write that fails; the file is then useless. Bytes that
 * the library holds back reach the driver with H5Fflush. */
void hdf5_disk_use(hid_t access, hid_t driver, int *error);

#endif
