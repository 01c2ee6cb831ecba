// An 8-bit RGB image to PNG bytes in memory; see CCodecs.h for the rules.
#include "CCodecs.h"

#include <setjmp.h>
#include <stdlib.h>
#include <string.h>

#include <png.h>

struct output {
  uint8_t *bytes;
  size_t count;
  size_t capacity;
  jmp_buf escape;
};

static void on_error(png_structp library, png_const_charp text) {
  (void)text;
  struct output *output = png_get_error_ptr(library);
  longjmp(output->escape, 1);
}

static void on_warning(png_structp library, png_const_charp text) {
  (void)library;
  (void)text;
}

static void on_write(png_structp library, png_bytep bytes, size_t count) {
  struct output *output = png_get_io_ptr(library);
  if (count > output->capacity - output->count) {
    size_t capacity = 2 * output->capacity + count;
    uint8_t *grown = realloc(output->bytes, capacity);
    if (grown == NULL) png_error(library, "no memory");
    output->bytes = grown;
    output->capacity = capacity;
  }
  memcpy(output->bytes + output->count, bytes, count);
  output->count += count;
}

static void on_flush(png_structp library) { (void)library; }

uint8_t *tamis_png_write(const uint8_t *pixels, uint32_t width, uint32_t height, size_t *count) {
  // On the heap: locals that change between setjmp and longjmp have no defined value afterwards.
  struct output *output = calloc(1, sizeof *output);
  if (output == NULL) return NULL;
  png_structp png = png_create_write_struct(PNG_LIBPNG_VER_STRING, output, on_error, on_warning);
  png_infop info = png == NULL ? NULL : png_create_info_struct(png);
  if (info == NULL || setjmp(output->escape)) {
    png_destroy_write_struct(&png, &info);
    free(output->bytes);
    free(output);
    return NULL;
  }
  png_set_write_fn(png, output, on_write, on_flush);
  png_set_IHDR(png, info, width, height, 8, PNG_COLOR_TYPE_RGB, PNG_INTERLACE_NONE, PNG_COMPRESSION_TYPE_DEFAULT,
               PNG_FILTER_TYPE_DEFAULT);
  // Settings of our own, so that the bytes do not hang on the library's defaults.
  png_set_compression_level(png, 6);
  png_set_filter(png, PNG_FILTER_TYPE_BASE, PNG_FILTER_SUB | PNG_FILTER_UP);
  png_write_info(png, info);
  for (uint32_t y = 0; y < height; y++) png_write_row(png, pixels + (size_t)y * width * 3);
  png_write_end(png, NULL);
  png_destroy_write_struct(&png, &info);
  uint8_t *bytes = output->bytes;
  *count = output->count;
  free(output);
  return bytes;
}
