/* zip.c - see zip.h. */
#include "io/zip.h"

#include "io/part.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <zlib.h>

enum {
  LOCAL = 0x04034b50,
  CENTRAL = 0x02014b50,
  END = 0x06054b50,
  END64 = 0x06064b50,
  LOCATOR64 = 0x07064b50,
  LOCAL_BYTES = 30,
  CENTRAL_BYTES = 46,
  END_BYTES = 22,
  END64_BYTES = 56,
  LOCATOR64_BYTES = 20,
  COMMENT_MAX = 65535,
  DIRECTORY_MAX = 64 << 20,
  STORED = 0,
  DEFLATED = 8,
  DEFLATE_RATIO = 1100, /* it cannot pack tighter than 1032 : 1 */
  INPUT = 65536,
};

struct zip_file {
  FILE *file;
  uint64_t bytes; /* of the file */
  unsigned char *directory;
  size_t directory_bytes;
  uint64_t entries;
  char name[201];
};

struct zip_reader {
  const zip_file *z;
  char name[128];
  int method;
  uint32_t crc, want_crc;
  uint64_t packed, rest; /* bytes left, packed and unpacked */
  uint64_t at;           /* of the next packed byte in the file */
  z_stream stream;
  bool inflating;
  unsigned char input[INPUT];
};

static uint32_t u16(const unsigned char *p) { return (uint32_t)p[0] | (uint32_t)p[1] << 8; }
static uint32_t u32(const unsigned char *p) { return u16(p) | u16(p + 2) << 16; }
static uint64_t u64(const unsigned char *p) { return u32(p) | (uint64_t)u32(p + 4) << 32; }

static mopo_status damaged(const zip_file *z, const char *why, mopo_error *err)
{
  return error_set(err, MOPO_EFORMAT, "%s: not a whole zip file: %s", z->name, why);
}

/* n bytes at `at`, which the caller has found to be within the file. */
static mopo_status read_at(const zip_file *z, void *bytes, uint64_t at, size_t n, mopo_error *err)
{
  if (fseeko(z->file, (off_t)at, SEEK_SET) == 0 && fread(bytes, 1, n, z->file) == n) return MOPO_OK;
  return error_set(err, MOPO_EIO, "%s: %s", z->name,
                   ferror(z->file) ? strerror(errno) : "it ends too early");
}

/* ------------------------------------------------------------------ the directory */

/* The end record is within the last 64 kB; at: its place. */
static mopo_status find_end(const zip_file *z, unsigned char end[END_BYTES], uint64_t *at,
                            mopo_error *err)
{
  size_t n = z->bytes < END_BYTES + COMMENT_MAX ? (size_t)z->bytes : END_BYTES + COMMENT_MAX;
  if (n < END_BYTES) return damaged(z, "too short", err);
  unsigned char *tail = malloc(n);
  if (!tail) return error_set(err, MOPO_ENOMEM, "%s: out of memory", z->name);
  mopo_status st = read_at(z, tail, z->bytes - n, n, err);
  bool found = false;
  for (size_t i = n - END_BYTES + 1; !st && !found && i-- > 0;) {
    found = u32(tail + i) == END && i + END_BYTES + u16(tail + i + 20) == n;
    if (!found) continue;
    memcpy(end, tail + i, END_BYTES);
    *at = z->bytes - n + i;
  }
  free(tail);
  if (st) return st;
  return found ? MOPO_OK : damaged(z, "no end record", err);
}

/* Replaces *offset, *size and the number of entries if there is a zip64 end record. */
static mopo_status find_end64(zip_file *z, uint64_t end_at, uint64_t *offset, uint64_t *size,
                              mopo_error *err)
{
  unsigned char locator[LOCATOR64_BYTES] = {0}, end[END64_BYTES] = {0};
  if (end_at < LOCATOR64_BYTES) return MOPO_OK;
  mopo_status st = read_at(z, locator, end_at - LOCATOR64_BYTES, sizeof locator, err);
  if (st || u32(locator) != LOCATOR64) return st;
  uint64_t at = u64(locator + 8);
  if (at > z->bytes || z->bytes - at < END64_BYTES) return damaged(z, "bad zip64 record", err);
  st = read_at(z, end, at, sizeof end, err);
  if (st) return st;
  if (u32(end) != END64) return damaged(z, "bad zip64 record", err);
  z->entries = u64(end + 32);
  *size = u64(end + 40);
  *offset = u64(end + 48);
  return MOPO_OK;
}

static mopo_status read_directory(zip_file *z, mopo_error *err)
{
  unsigned char end[END_BYTES] = {0};
  uint64_t at = 0;
  mopo_status st = find_end(z, end, &at, err);
  if (st) return st;
  uint64_t size = u32(end + 12), offset = u32(end + 16);
  z->entries = u16(end + 10);
  st = find_end64(z, at, &offset, &size, err);
  if (st) return st;
  if (offset > at || size > at - offset || size > DIRECTORY_MAX)
    return damaged(z, "its directory is not in it", err);
  z->directory = malloc(size ? (size_t)size : 1);
  z->directory_bytes = (size_t)size;
  if (!z->directory) return error_set(err, MOPO_ENOMEM, "%s: out of memory", z->name);
  return read_at(z, z->directory, offset, (size_t)size, err);
}

mopo_status zip_file_open(zip_file **out, const char *path, mopo_error *err)
{
  size_t length = strlen(path);
  *out = NULL;
  zip_file *z = calloc(1, sizeof *z);
  if (!z) return error_set(err, MOPO_ENOMEM, "out of memory");
  snprintf(z->name, sizeof z->name, "%s", length > 200 ? path + length - 200 : path);
  struct stat about = {0};
  mopo_status st = MOPO_OK;
  /* a FIFO must not make us wait */
  bool there = stat(path, &about) == 0;
  if (there && !S_ISREG(about.st_mode))
    st = error_set(err, MOPO_EIO, "%s: not a regular file", z->name);
  else if (!there || !(z->file = file_stream(path, "r")))
    st = error_set(err, MOPO_EIO, "%s: %s", z->name, strerror(errno));
  z->bytes = (uint64_t)about.st_size;
  if (!st) st = read_directory(z, err);
  if (st)
    zip_file_close(z);
  else
    *out = z;
  return st;
}

void zip_file_close(zip_file *z)
{
  if (!z) return;
  if (z->file) fclose(z->file);
  free(z->directory);
  free(z);
}

const char *zip_name(const zip_file *z) { return z->name; }

/* ------------------------------------------------------------------ entries */

/* What the directory says of an entry; sizes and place are from its zip64 field where the short
 * ones are full. */
typedef struct place {
  uint64_t packed, unpacked, offset;
  int method;
  uint32_t crc;
} place;

static bool extend(place *p, const unsigned char *extra, size_t n)
{
  uint64_t *full[3];
  int count = 0;
  if (p->unpacked == UINT32_MAX) full[count++] = &p->unpacked;
  if (p->packed == UINT32_MAX) full[count++] = &p->packed;
  if (p->offset == UINT32_MAX) full[count++] = &p->offset;
  while (count && n >= 4) {
    size_t field = u16(extra + 2);
    if (field > n - 4) return false;
    if (u16(extra) == 1) {
      if (field < 8 * (size_t)count) return false;
      for (int i = 0; i < count; i++) *full[i] = u64(extra + 4 + 8 * i);
      return true;
    }
    extra += 4 + field;
    n -= 4 + field;
  }
  return true;
}

/* Finds the entry and checks what the directory says of it. *there is false if it has none. */
static mopo_status find_entry(const zip_file *z, const char *want, place *at, bool *there,
                              mopo_error *err)
{
  size_t left = z->directory_bytes, length = strlen(want);
  const unsigned char *p = z->directory;
  *there = false;
  for (uint64_t i = 0; i < z->entries; i++) {
    if (left < CENTRAL_BYTES || u32(p) != CENTRAL) return damaged(z, "damaged directory", err);
    size_t name = u16(p + 28), extra = u16(p + 30), comment = u16(p + 32);
    size_t all = CENTRAL_BYTES + name + extra + comment;
    if (all > left) return damaged(z, "damaged directory", err);
    if (name == length && memcmp(p + CENTRAL_BYTES, want, name) == 0) {
      if (*there) return damaged(z, "two entries of one name", err);
      *at = (place){.packed = u32(p + 20),
                    .unpacked = u32(p + 24),
                    .offset = u32(p + 42),
                    .method = (int)u16(p + 10),
                    .crc = u32(p + 16)};
      if (!extend(at, p + CENTRAL_BYTES + name, extra)) return damaged(z, "damaged directory", err);
      if (u16(p + 8) & 1)
        return error_set(err, MOPO_EFORMAT, "%s: '%s' is encrypted", z->name, want);
      *there = true;
    }
    p += all;
    left -= all;
  }
  return MOPO_OK;
}

uint64_t zip_entries(const zip_file *z) { return z->entries; }

void zip_entry_name(char *name, size_t size, const zip_file *z, uint64_t i)
{
  size_t left = z->directory_bytes;
  const unsigned char *p = z->directory;
  *name = '\0';
  for (uint64_t k = 0; k < z->entries && left >= CENTRAL_BYTES && u32(p) == CENTRAL; k++) {
    size_t n = u16(p + 28), all = CENTRAL_BYTES + n + u16(p + 30) + u16(p + 32);
    if (all > left) return;
    if (k == i) snprintf(name, size, "%.*s", (int)n, (const char *)p + CENTRAL_BYTES);
    if (k == i) return;
    p += all;
    left -= all;
  }
}

static mopo_status check_place(zip_reader *r, const place *at, mopo_error *err)
{
  const zip_file *z = r->z;
  unsigned char local[LOCAL_BYTES] = {0};
  r->method = at->method;
  r->want_crc = at->crc;
  if (r->method != STORED && r->method != DEFLATED)
    return error_set(err, MOPO_EFORMAT, "%s: '%s' is packed by method %d, want none or deflate",
                     z->name, r->name, r->method);
  if (at->offset > z->bytes || z->bytes - at->offset < LOCAL_BYTES)
    return damaged(z, "an entry is not in it", err);
  mopo_status st = read_at(z, local, at->offset, sizeof local, err);
  if (st) return st;
  uint64_t head = LOCAL_BYTES + (uint64_t)u16(local + 26) + u16(local + 28);
  uint64_t room = z->bytes - at->offset;
  if (u32(local) != LOCAL || head > room || at->packed > room - head)
    return damaged(z, "an entry is not in it", err);
  bool fits =
      r->method == STORED ? at->unpacked == at->packed : at->unpacked / DEFLATE_RATIO <= at->packed;
  if (!fits)
    return error_set(err, MOPO_EFORMAT, "%s: '%s' claims %llu bytes, more than %llu bytes hold",
                     z->name, r->name, (unsigned long long)at->unpacked,
                     (unsigned long long)at->packed);
  r->at = at->offset + head;
  r->packed = at->packed;
  r->rest = at->unpacked;
  return MOPO_OK;
}

mopo_status zip_open(zip_reader **out, const zip_file *z, const char *name, mopo_error *err)
{
  place at = {0};
  bool there = false;
  *out = NULL;
  mopo_status st = find_entry(z, name, &at, &there, err);
  if (st || !there) return st;
  zip_reader *r = calloc(1, sizeof *r);
  if (!r) return error_set(err, MOPO_ENOMEM, "%s: out of memory", z->name);
  r->z = z;
  snprintf(r->name, sizeof r->name, "%s", name);
  st = check_place(r, &at, err);
  if (!st && r->method == DEFLATED) {
    r->inflating = inflateInit2(&r->stream, -MAX_WBITS) == Z_OK;
    if (!r->inflating) st = error_set(err, MOPO_ENOMEM, "%s: out of memory", z->name);
  }
  if (st)
    zip_close(r);
  else
    *out = r;
  return st;
}

void zip_close(zip_reader *r)
{
  if (!r) return;
  if (r->inflating) inflateEnd(&r->stream);
  free(r);
}

uint64_t zip_rest(const zip_reader *r) { return r->rest; }

/* Up to n packed bytes from the file; *got of them. */
static mopo_status take(zip_reader *r, void *bytes, size_t n, size_t *got, mopo_error *err)
{
  *got = r->packed < n ? (size_t)r->packed : n;
  mopo_status st = *got ? read_at(r->z, bytes, r->at, *got, err) : MOPO_OK;
  r->at += *got;
  r->packed -= *got;
  return st;
}

static mopo_status unpack(zip_reader *r, void *bytes, size_t n, mopo_error *err)
{
  z_stream *s = &r->stream;
  s->next_out = bytes;
  s->avail_out = (uInt)n;
  while (s->avail_out > 0) {
    if (s->avail_in == 0) {
      size_t got = 0;
      mopo_status st = take(r, r->input, INPUT, &got, err);
      if (st) return st;
      s->next_in = r->input;
      s->avail_in = (uInt)got;
    }
    uInt before = s->avail_out, in = s->avail_in;
    int how = inflate(s, Z_NO_FLUSH);
    bool stuck = s->avail_out == before && s->avail_in == in;
    if ((how != Z_OK && how != Z_STREAM_END && how != Z_BUF_ERROR) || stuck ||
        (how == Z_STREAM_END && s->avail_out > 0))
      return error_set(err, MOPO_EFORMAT, "%s: '%s' cannot be unpacked: damaged file", r->z->name,
                       r->name);
  }
  return MOPO_OK;
}

mopo_status zip_read(zip_reader *r, void *bytes, size_t n, mopo_error *err)
{
  unsigned char *p = bytes;
  if (n > r->rest)
    return error_set(err, MOPO_EFORMAT, "%s: '%s' ends too early", r->z->name, r->name);
  for (size_t done = 0; done < n;) {
    size_t step = n - done < 1 << 30 ? n - done : 1 << 30, got = step;
    mopo_status st =
        r->method == STORED ? take(r, p + done, step, &got, err) : unpack(r, p + done, step, err);
    if (st) return st;
    r->crc = (uint32_t)crc32(r->crc, p + done, (uInt)got);
    r->rest -= got;
    done += got;
  }
  return MOPO_OK;
}

mopo_status zip_check(const zip_reader *r, mopo_error *err)
{
  if (r->rest == 0 && r->crc == r->want_crc) return MOPO_OK;
  return error_set(err, MOPO_EFORMAT, "%s: '%s' has a wrong checksum: damaged file", r->z->name,
                   r->name);
}

/* ------------------------------------------------------------------ writing */

static void put(unsigned char **p, uint64_t x, int bytes)
{
  for (int i = 0; i < bytes; i++) *(*p)++ = (unsigned char)(x >> (8 * i));
}

/* Adds the pieces to out, deflated. */
static void pack(buffer *out, const file_piece *pieces, int n)
{
  z_stream s = {0};
  unsigned char block[INPUT];
  if (deflateInit2(&s, 4, Z_DEFLATED, -MAX_WBITS, 8, Z_DEFAULT_STRATEGY) != Z_OK) {
    out->failed = true;
    return;
  }
  for (int i = 0; i < n; i++) {
    size_t left = pieces[i].n;
    s.next_in = (Bytef *)(uintptr_t)pieces[i].bytes; /* zlib does not write there */
    do {
      s.avail_in = left < 1 << 30 ? (uInt)left : 1 << 30;
      left -= s.avail_in;
      bool last = i + 1 == n && left == 0;
      do {
        s.next_out = block;
        s.avail_out = sizeof block;
        deflate(&s, last ? Z_FINISH : Z_NO_FLUSH);
        buffer_add(out, block, sizeof block - s.avail_out);
      } while (s.avail_out == 0);
    } while (left);
  }
  deflateEnd(&s);
}

static uint32_t checksum(const file_piece *pieces, int n)
{
  uLong crc = 0;
  for (int i = 0; i < n; i++) crc = crc32_z(crc, pieces[i].bytes, pieces[i].n);
  return (uint32_t)crc;
}

/* What local and central header have in common, from "version needed" on. */
static void put_common(unsigned char **p, uint32_t crc, uint64_t packed, uint64_t bytes,
                       size_t name)
{
  put(p, 20, 2);       /* version needed */
  put(p, 0, 2);        /* flags */
  put(p, DEFLATED, 2); /* method */
  put(p, 0, 2);        /* time */
  put(p, 0x21, 2);     /* 1 January 1980: the same arrays give the same bytes */
  put(p, crc, 4);
  put(p, packed, 4);
  put(p, bytes, 4);
  put(p, name, 2);
  put(p, 0, 2); /* extra field */
}

void zip_out_entry(zip_out *z, const char *name, const file_piece *pieces, int n)
{
  unsigned char local[LOCAL_BYTES], central[CENTRAL_BYTES] = {0}, *p = local;
  uint64_t offset = z->data.n, bytes = 0;
  for (int i = 0; i < n; i++) bytes += pieces[i].n;
  buffer packed = {0};
  pack(&packed, pieces, n);
  uint32_t crc = checksum(pieces, n);
  put(&p, LOCAL, 4);
  put_common(&p, crc, packed.n, bytes, strlen(name));
  buffer_add(&z->data, local, sizeof local);
  buffer_add(&z->data, name, strlen(name));
  buffer_add(&z->data, packed.bytes, packed.n);
  p = central;
  put(&p, CENTRAL, 4);
  put(&p, 20, 2); /* version made by */
  put_common(&p, crc, packed.n, bytes, strlen(name));
  p = central + 42;
  put(&p, offset, 4);
  buffer_add(&z->directory, central, sizeof central);
  buffer_add(&z->directory, name, strlen(name));
  z->entries++;
  z->too_long = z->too_long || bytes > UINT32_MAX || z->data.n > UINT32_MAX;
  z->data.failed = z->data.failed || packed.failed;
  buffer_free(&packed);
}

mopo_status zip_out_write(zip_out *z, const char *path, mopo_error *err)
{
  unsigned char end[END_BYTES] = {0}, *p = end;
  put(&p, END, 4);
  put(&p, 0, 4); /* disks */
  put(&p, (uint64_t)z->entries, 2);
  put(&p, (uint64_t)z->entries, 2);
  put(&p, z->directory.n, 4);
  put(&p, z->data.n, 4);
  buffer_add(&z->data, z->directory.bytes, z->directory.n);
  buffer_add(&z->data, end, sizeof end);
  z->data.failed = z->data.failed || z->directory.failed;
  mopo_status st = z->too_long ? error_set(err, MOPO_EINVAL,
                                           "%s: more than 4 GB, want an HDF5 file for that", path)
                               : buffer_write(&z->data, path, err);
  buffer_free(&z->data);
  buffer_free(&z->directory);
  return st;
}
