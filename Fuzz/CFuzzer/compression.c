#include "CFuzzer.h"

#include <zlib.h>
#include <zstd.h>

enum { gzip_window = 15 + 16 };

size_t fuzz_gzip(const uint8_t *data, size_t size, uint8_t *into, size_t room) {
  z_stream stream = {0};
  if (deflateInit2(&stream, 1, Z_DEFLATED, gzip_window, 8, Z_DEFAULT_STRATEGY) != Z_OK) return 0;
  stream.next_in = (Bytef *)data;
  stream.avail_in = (uInt)size;
  stream.next_out = into;
  stream.avail_out = (uInt)room;
  int ended = deflate(&stream, Z_FINISH) == Z_STREAM_END;
  deflateEnd(&stream);
  return ended ? room - stream.avail_out : 0;
}

size_t fuzz_gunzip(const uint8_t *data, size_t size, uint8_t *into, size_t room) {
  z_stream stream = {0};
  if (inflateInit2(&stream, gzip_window) != Z_OK) return 0;
  stream.next_in = (Bytef *)data;
  stream.avail_in = (uInt)size;
  stream.next_out = into;
  stream.avail_out = (uInt)room;
  int ended = inflate(&stream, Z_FINISH) == Z_STREAM_END;
  inflateEnd(&stream);
  return ended ? room - stream.avail_out : 0;
}

size_t fuzz_zstd(const uint8_t *data, size_t size, uint8_t *into, size_t room) {
  size_t count = ZSTD_compress(into, room, data, size, 1);
  return ZSTD_isError(count) ? 0 : count;
}

size_t fuzz_unzstd(const uint8_t *data, size_t size, uint8_t *into, size_t room) {
  size_t count = ZSTD_decompress(into, room, data, size);
  return ZSTD_isError(count) ? 0 : count;
}

uint32_t fuzz_crc32(const uint8_t *data, size_t size) { return (uint32_t)crc32(0, data, (uInt)size); }
