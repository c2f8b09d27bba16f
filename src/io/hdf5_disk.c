/* hdf5_disk.c - see hdf5_disk.h. */
#include "io/hdf5_disk.h"

#include "io/hdf5.h"
#include "io/hdf5_quiet.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

typedef struct disk {
  H5FD_t base; /* the library's own part; first */
  int fd;
  int *error;   /* the caller's: errno of the first failure */
  haddr_t eoa;  /* end of what the library has given out */
  haddr_t size; /* end of what is in the file */
  bool writes;
} disk;

static H5FD_t *disk_open(const char *path, unsigned flags, hid_t access, haddr_t most)
{
  (void)path, (void)most;
  hdf5_disk *const *to = H5Pget_driver_info(access);
  if (!to) return NULL;
  disk *f = calloc(1, sizeof *f);
  if (!f) {
    (*to)->error = ENOMEM;
    return NULL;
  }
  f->fd = (*to)->fd;
  f->error = &(*to)->error;
  off_t end = flags & H5F_ACC_TRUNC && ftruncate(f->fd, 0) ? -1 : lseek(f->fd, 0, SEEK_END);
  if (end < 0) {
    *f->error = errno;
    free(f);
    return NULL;
  }
  f->size = (haddr_t)end;
  f->writes = flags & H5F_ACC_RDWR;
  return &f->base;
}

static herr_t disk_close(H5FD_t *file)
{
  free(file);
  return 0;
}

/* As the library's own driver for POSIX files. */
static herr_t disk_query(const H5FD_t *file, unsigned long *flags)
{
  (void)file;
  *flags = H5FD_FEAT_AGGREGATE_METADATA | H5FD_FEAT_ACCUMULATE_METADATA | H5FD_FEAT_DATA_SIEVE |
           H5FD_FEAT_AGGREGATE_SMALLDATA | H5FD_FEAT_DEFAULT_VFD_COMPATIBLE;
  return 0;
}

static haddr_t disk_get_eoa(const H5FD_t *file, H5FD_mem_t type)
{
  (void)type;
  return ((const disk *)file)->eoa;
}

static herr_t disk_set_eoa(H5FD_t *file, H5FD_mem_t type, haddr_t at)
{
  (void)type;
  ((disk *)file)->eoa = at;
  return 0;
}

static haddr_t disk_get_eof(const H5FD_t *file, H5FD_mem_t type)
{
  (void)type;
  return ((const disk *)file)->size;
}

/* What was never written reads as zeros; so does, of a file that is written, what cannot be read.
 */
static herr_t disk_read(H5FD_t *file, H5FD_mem_t type, hid_t transfer, haddr_t at, size_t n,
                        void *bytes)
{
  const disk *f = (const disk *)file;
  char *p = bytes;
  (void)type, (void)transfer;
  while (n > 0) {
    ssize_t k = pread(f->fd, p, n, (off_t)at);
    if (k < 0 && errno == EINTR) continue;
    if (k < 0 && !*f->error) *f->error = errno;
    if (k < 0 && !f->writes) return -1;
    if (k <= 0) break;
    p += k;
    at += (haddr_t)k;
    n -= (size_t)k;
  }
  memset(p, 0, n);
  return 0;
}

static herr_t disk_write(H5FD_t *file, H5FD_mem_t type, hid_t transfer, haddr_t at, size_t n,
                         const void *bytes)
{
  disk *f = (disk *)file;
  const char *p = bytes;
  (void)type, (void)transfer;
  while (n > 0 && !*f->error) {
    ssize_t k = pwrite(f->fd, p, n, (off_t)at);
    if (k < 0 && errno == EINTR) continue;
    if (k <= 0) {
      *f->error = k < 0 ? errno : ENOSPC;
      break;
    }
    p += k;
    at += (haddr_t)k;
    n -= (size_t)k;
  }
  if (at > f->size) f->size = at;
  return 0;
}

static herr_t disk_truncate(H5FD_t *file, hid_t transfer, hbool_t closing)
{
  disk *f = (disk *)file;
  (void)transfer, (void)closing;
  if (f->size != f->eoa && !*f->error && ftruncate(f->fd, (off_t)f->eoa)) *f->error = errno;
  f->size = f->eoa;
  return 0;
}

hid_t hdf5_disk_register(void)
{
  static const H5FD_class_t class = {
      .name = "mopo_disk",
      .maxaddr = ((haddr_t)1 << 62) - 1,
      .fapl_size = sizeof(hdf5_disk *), /* the access list carries `to` */
      .fc_degree = H5F_CLOSE_STRONG,
      .open = disk_open,
      .close = disk_close,
      .query = disk_query,
      .get_eoa = disk_get_eoa,
      .set_eoa = disk_set_eoa,
      .get_eof = disk_get_eof,
      .read = disk_read,
      .write = disk_write,
      .truncate = disk_truncate,
      .fl_map = H5FD_FLMAP_DICHOTOMY,
  };
  return H5FDregister(&class);
}

void hdf5_disk_use(hid_t access, hid_t driver, hdf5_disk *to)
{
  H5Pset_driver(access, driver, &to);
}

void hdf5_prepare(void)
{
  quiet q = quiet_begin();
  H5open();
  H5PLset_loading_state(0); /* a file must not choose code for us to load */
  quiet_end(q);
}
