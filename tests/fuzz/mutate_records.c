/* mutate_records.c - libFuzzer's mutator for event files: it changes bytes and then puts lengths
 * and checksums of the records right again, so that what is tested is what comes after them. Every
 * fourth time it leaves them as they are. */
#include "fuzz.h"
#include "io/tfevents.h"

size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t max);
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max, unsigned seed);

static void put_crc(uint8_t *at, const uint8_t *bytes, size_t n)
{
  uint32_t crc = tfevents_crc32c(bytes, n);
  crc = ((crc >> 15) | (crc << 17)) + 0xa282ead8u;
  memcpy(at, &crc, sizeof crc);
}

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max, unsigned seed)
{
  enum { FRAME = 16 };
  size_t n = LLVMFuzzerMutate(data, size, max);
  if (seed % 4 == 0) return n;
  for (size_t at = 0; n - at >= FRAME;) {
    uint64_t body = 0, room = n - at - FRAME;
    memcpy(&body, data + at, sizeof body);
    if (body > room) body = room; /* the last one */
    memcpy(data + at, &body, sizeof body);
    put_crc(data + at + 8, data + at, 8);
    put_crc(data + at + 12 + body, data + at + 12, (size_t)body);
    at += FRAME + (size_t)body;
  }
  return n;
}
