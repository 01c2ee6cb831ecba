// The only setjmp of the project: libjpeg and libpng behind opaque handles.
//
// Every function that can fail sets its own setjmp, returns a status and leaves a message in the handle. The
// libraries call back into C only, so no Swift frame is ever between a setjmp and its longjmp.
#ifndef TAMIS_CCODECS_H
#define TAMIS_CCODECS_H

#include <stddef.h>
#include <stdint.h>

#include "CResample.h"
#include "CodecVersions.h"

typedef enum tamis_status {
  tamis_ok = 0,
  tamis_corrupt = 1,      // the stream breaks the format
  tamis_truncated = 2,    // the stream ends too early
  tamis_unsupported = 3,  // the library was built without this feature
  tamis_memory = 4,       // the library needs more than it was allowed
  tamis_scans = 5,        // more work than allowed
  tamis_warning = 6,      // a warning, and warnings stop the decode; or the 100th warning
} tamis_status;

// Inflates a zlib stream into `target` and returns the bytes written, at most `capacity`. What a cut stream gives
// is kept; a broken one gives 0.
size_t tamis_inflate(const uint8_t *bytes, size_t count, uint8_t *target, size_t capacity);

// libjpeg ---------------------------------------------------------------------------------------------------

typedef struct tamis_jpeg tamis_jpeg;

typedef struct tamis_jpeg_header {
  uint32_t width;
  uint32_t height;
  uint32_t channels;  // of a row as read: 3 = RGB, 4 = CMYK as stored (Adobe files store it inverted)
} tamis_jpeg_header;

// A decompressor, reusable for any number of images; NULL when there is no memory.
tamis_jpeg *tamis_jpeg_create(void);
void tamis_jpeg_destroy(tamis_jpeg *jpeg);

// Reads the header and starts decoding. `bytes` must stay alive until the decode is over. libjpeg allocates at
// most about `max_memory` bytes; `max_scans` bounds the scans it reads. A warning stops the decode when
// `strict` is not 0. Both sides come out as `eighths` / 8 of what is stored, rounded up (1...8).
tamis_status tamis_jpeg_start(tamis_jpeg *jpeg, const uint8_t *bytes, size_t count, size_t max_memory,
                              int max_scans, int strict, int eighths, tamis_jpeg_header *header);

// Before the first row: leaves out columns. Those kept are widened to the left to what libjpeg can do; the
// pixels at the new edges may differ from those of a whole decode, one column at each.
tamis_status tamis_jpeg_crop(tamis_jpeg *jpeg, uint32_t *left, uint32_t *width);

// Passes over rows, reading and checking their data but making no pixels; the last row cannot be skipped.
tamis_status tamis_jpeg_skip(tamis_jpeg *jpeg, size_t rows);

// Reads the next `rows` rows, `stride` bytes apart.
tamis_status tamis_jpeg_read(tamis_jpeg *jpeg, uint8_t *pixels, size_t stride, size_t rows);

// Reads up to the end-of-image marker, so that a missing tail is noticed. Call it after the last row.
tamis_status tamis_jpeg_finish(tamis_jpeg *jpeg);

// Drops the image in progress, if any; the handle can then start another.
void tamis_jpeg_reset(tamis_jpeg *jpeg);

// Warnings since the last start, and whether one of them was the early end of the data.
int tamis_jpeg_warnings(const tamis_jpeg *jpeg);
int tamis_jpeg_ended_early(const tamis_jpeg *jpeg);

// The text of the last error or else of the first warning; lives as long as the handle.
const char *tamis_jpeg_message(const tamis_jpeg *jpeg);

// Encodes RGB images; reusable for any number of them; NULL when there is no memory.
typedef struct tamis_jpeg_writer tamis_jpeg_writer;

tamis_jpeg_writer *tamis_jpeg_writer_create(void);
void tamis_jpeg_writer_destroy(tamis_jpeg_writer *writer);

// Encodes 8-bit RGB rows, 3 * width bytes each, as baseline JPEG: 4:2:0, the standard's Huffman tables, accurate
// integer DCT, quality 0...100. The `*count` bytes belong to the handle and stay until its next use. tamis_memory
// where they would be more than `max_bytes`, tamis_unsupported for a size that libjpeg refuses.
tamis_status tamis_jpeg_write(tamis_jpeg_writer *writer, const uint8_t *pixels, uint32_t width, uint32_t height,
                              int quality, size_t max_bytes, const uint8_t **bytes, size_t *count);

// The text of the last error; lives as long as the handle.
const char *tamis_jpeg_writer_message(const tamis_jpeg_writer *writer);

// libpng ----------------------------------------------------------------------------------------------------

typedef struct tamis_png tamis_png;

typedef struct tamis_png_header {
  uint32_t width;
  uint32_t height;
  uint32_t channels;  // of a row as read, 8 bits each: 3 = RGB, 4 = RGB and straight alpha
} tamis_png_header;

// A decoder for one image; NULL when there is no memory.
tamis_png *tamis_png_create(void);
void tamis_png_destroy(tamis_png *png);

// Reads the header and sets up the conversion to 8-bit RGB or RGBA: palettes and tRNS are expanded, 16-bit
// samples become round(v / 257), grey becomes RGB; no gamma, no colour profile; no ancillary chunk but tRNS is
// parsed and none is inflated. `bytes` must stay alive until the decode is over.
tamis_status tamis_png_start(tamis_png *png, const uint8_t *bytes, size_t count, uint32_t max_side,
                             tamis_png_header *header);

// Reads the whole image; tamis_scans if more than about 64 KiB of pixel data follow its last row. Rows `stride` bytes apart.
tamis_status tamis_png_read(tamis_png *png, uint8_t *pixels, size_t stride);

// Reads the next row of an image that is not interlaced.
tamis_status tamis_png_read_row(tamis_png *png, uint8_t *row);

// Reads the chunks after the pixels, up to IEND.
tamis_status tamis_png_finish(tamis_png *png);

// The text of the last error; lives as long as the handle.
const char *tamis_png_message(const tamis_png *png);

// Encodes 8-bit RGB rows, 3 * width bytes each, as PNG without any ancillary chunk. Returns `*count` bytes to be
// given to free(); NULL when there is no memory or libpng refuses the size.
uint8_t *tamis_png_write(const uint8_t *pixels, uint32_t width, uint32_t height, size_t *count);

#endif
