// Bounded inflation of a zlib stream.
#include "CCodecs.h"

#include <limits.h>
#include <zlib.h>

size_t tamis_inflate(const uint8_t *bytes, size_t count, uint8_t *target, size_t capacity) {
  z_stream stream = {0};
  if (count > UINT_MAX || capacity > UINT_MAX || inflateInit(&stream) != Z_OK) return 0;
  stream.next_in = (Bytef *)bytes;
  stream.avail_in = (uInt)count;
  stream.next_out = target;
  stream.avail_out = (uInt)capacity;
  int status = inflate(&stream, Z_SYNC_FLUSH);
  size_t filled = capacity - stream.avail_out;
  inflateEnd(&stream);
  return status == Z_OK || status == Z_STREAM_END || status == Z_BUF_ERROR ? filled : 0;
}
