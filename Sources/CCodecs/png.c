// libpng behind an opaque handle, one image each; see CCodecs.h for the rules.
#include "CCodecs.h"

#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <png.h>

struct tamis_png {
  png_structp png;
  png_infop info;
  jmp_buf escape;
  tamis_status status;
  const uint8_t *bytes;
  size_t count;
  size_t position;
  size_t budget;  // bytes that may still be read
  png_uint_32 rows_read;
  int has_key;  // pixels of the grey `key` are transparent
  uint8_t key;
  char message[200];
};

static void fail(tamis_png *png, tamis_status status, const char *text) {
  png->status = status;
  snprintf(png->message, sizeof png->message, "%s", text);
  longjmp(png->escape, 1);
}

static void on_error(png_structp library, png_const_charp text) {
  fail(png_get_error_ptr(library), tamis_corrupt, text);
}

static void on_warning(png_structp library, png_const_charp text) {
  (void)library;
  (void)text;
}

static void on_read(png_structp library, png_bytep target, size_t count) {
  tamis_png *png = png_get_io_ptr(library);
  if (count > png->count - png->position) fail(png, tamis_truncated, "the file ends inside a chunk");
  if (count > png->budget) fail(png, tamis_scans, "more data behind the last row than may be inflated");
  png->budget -= count;
  memcpy(target, png->bytes + png->position, count);
  png->position += count;
}

tamis_png *tamis_png_create(void) {
  tamis_png *png = calloc(1, sizeof *png);
  if (png == NULL) return NULL;
  if (setjmp(png->escape)) {
    tamis_png_destroy(png);
    return NULL;
  }
  png->png = png_create_read_struct(PNG_LIBPNG_VER_STRING, png, on_error, on_warning);
  if (png->png != NULL) png->info = png_create_info_struct(png->png);
  if (png->info == NULL) {
    tamis_png_destroy(png);
    return NULL;
  }
  return png;
}

void tamis_png_destroy(tamis_png *png) {
  if (png == NULL) return;
  png_destroy_read_struct(&png->png, &png->info, NULL);
  free(png);
}

// Leaves every ancillary chunk but tRNS unparsed; their CRCs are still checked.
static void skip_ancillary_chunks(png_structp library) {
  static const png_byte names[] =
      "acTL\0bKGD\0cHRM\0cICP\0eXIf\0fcTL\0fdAT\0gAMA\0hIST\0iCCP\0iTXt\0oFFs\0pCAL\0pHYs\0sBIT\0sCAL\0"
      "sPLT\0sRGB\0sTER\0tEXt\0tIME\0zTXt";
  png_set_keep_unknown_chunks(library, PNG_HANDLE_CHUNK_NEVER, NULL, 0);
  png_set_keep_unknown_chunks(library, PNG_HANDLE_CHUNK_NEVER, names, (int)(sizeof names / 5));
}

// Grey of 1, 2 or 4 bits with a transparent grey: Pillow, the oracle, compares the grey widened to 8 bits with the
// low byte of the key as stored (of 1 bit: white for any key but 0), where libpng compares before widening.
static int set_small_grey_key(tamis_png *png) {
  png_color_16p key = NULL;
  int depth = png_get_bit_depth(png->png, png->info);
  png->has_key = png_get_color_type(png->png, png->info) == PNG_COLOR_TYPE_GRAY && depth < 8 &&
                 png_get_tRNS(png->png, png->info, NULL, NULL, &key) != 0 && key != NULL;
  if (!png->has_key) return 0;
  png->key = depth == 1 ? (key->gray != 0 ? 255 : 0) : (uint8_t)(key->gray & 255);
  png_set_expand_gray_1_2_4_to_8(png->png);
  png_set_add_alpha(png->png, 255, PNG_FILLER_AFTER);
  return 1;
}

static void apply_key(const tamis_png *png, uint8_t *row) {
  if (!png->has_key) return;
  png_uint_32 width = png_get_image_width(png->png, png->info);
  for (png_uint_32 x = 0; x < width; x++) {
    if (row[4 * (size_t)x] == png->key) row[4 * (size_t)x + 3] = 0;
  }
}

tamis_status tamis_png_start(tamis_png *png, const uint8_t *bytes, size_t count, uint32_t max_side,
                             tamis_png_header *header) {
  png->bytes = bytes;
  png->count = count;
  png->position = 0;
  png->budget = SIZE_MAX;
  png->message[0] = 0;
  if (setjmp(png->escape)) return png->status;
  png_set_read_fn(png->png, png, on_read);
  png_set_user_limits(png->png, max_side, max_side);
  png_set_chunk_malloc_max(png->png, 8000000);
  png_set_chunk_cache_max(png->png, 128);
  png_set_crc_action(png->png, PNG_CRC_ERROR_QUIT, PNG_CRC_ERROR_QUIT);
  skip_ancillary_chunks(png->png);
  png_read_info(png->png, png->info);
  if (!set_small_grey_key(png)) png_set_expand(png->png);
  png_set_scale_16(png->png);
  png_set_gray_to_rgb(png->png);
  png_set_interlace_handling(png->png);
  png_read_update_info(png->png, png->info);
  header->width = png_get_image_width(png->png, png->info);
  header->height = png_get_image_height(png->png, png->info);
  header->channels = png_get_channels(png->png, png->info);
  return tamis_ok;
}

// With the last row libpng inflates all that follows it in the pixel data: up to a thousand bytes for each stored.
static void limit_last_row(tamis_png *png) {
  png->budget = 65536 + 2 * png_get_rowbytes(png->png, png->info);
}

tamis_status tamis_png_read(tamis_png *png, uint8_t *pixels, size_t stride) {
  if (setjmp(png->escape)) return png->status;
  png_uint_32 height = png_get_image_height(png->png, png->info);
  int passes = png_get_interlace_type(png->png, png->info) == PNG_INTERLACE_NONE ? 1 : 7;
  for (int pass = 0; pass < passes; pass++) {
    for (png_uint_32 y = 0; y < height; y++) {
      if (pass == passes - 1 && y == height - 1) limit_last_row(png);
      png_read_row(png->png, pixels + y * stride, NULL);
    }
  }
  for (png_uint_32 y = 0; y < height; y++) apply_key(png, pixels + y * stride);
  return tamis_ok;
}

tamis_status tamis_png_read_row(tamis_png *png, uint8_t *row) {
  if (setjmp(png->escape)) return png->status;
  png->rows_read += 1;
  if (png->rows_read == png_get_image_height(png->png, png->info)) limit_last_row(png);
  png_read_row(png->png, row, NULL);
  apply_key(png, row);
  return tamis_ok;
}

tamis_status tamis_png_finish(tamis_png *png) {
  if (setjmp(png->escape)) return png->status;
  png->budget = SIZE_MAX;
  png_read_end(png->png, NULL);
  return tamis_ok;
}

const char *tamis_png_message(const tamis_png *png) { return png->message; }
