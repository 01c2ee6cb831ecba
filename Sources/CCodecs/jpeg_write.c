// 8-bit RGB images to JPEG bytes in memory. One handle encodes many images, each as if it were the first; see
// CCodecs.h for the rules.
#include "CCodecs.h"

#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>

#include <jpeglib.h>
// jerror.h must follow jpeglib.h.
#include <jerror.h>

enum {
  first_size = 64 << 10,
  kept_size = 4 << 20,  // more than this is given back before the next image
};

struct tamis_jpeg_writer {
  struct jpeg_compress_struct info;
  struct jpeg_error_mgr errors;
  struct jpeg_destination_mgr target;
  jmp_buf escape;
  tamis_status status;
  uint8_t *bytes;
  size_t capacity;
  size_t limit;
  char message[JMSG_LENGTH_MAX];
};

static tamis_jpeg_writer *owner(j_common_ptr info) { return (tamis_jpeg_writer *)info->client_data; }

static void on_error(j_common_ptr info) {
  tamis_jpeg_writer *writer = owner(info);
  info->err->format_message(info, writer->message);
  writer->status = info->err->msg_code == JERR_OUT_OF_MEMORY ? tamis_memory : tamis_unsupported;
  longjmp(writer->escape, 1);
}

static void on_message(j_common_ptr info, int level) {
  (void)info;
  (void)level;
}

static void on_output(j_common_ptr info) { (void)info; }

// Makes the buffer `capacity` bytes large; what is in it stays.
static void grow(tamis_jpeg_writer *writer, size_t capacity) {
  uint8_t *grown = capacity > writer->limit ? NULL : realloc(writer->bytes, capacity);
  if (grown == NULL) ERREXIT1(&writer->info, JERR_OUT_OF_MEMORY, 0);
  writer->bytes = grown;
  writer->capacity = capacity;
}

static void on_begin(j_compress_ptr info) {
  tamis_jpeg_writer *writer = owner((j_common_ptr)info);
  if (writer->capacity > writer->limit || writer->capacity > kept_size) {
    free(writer->bytes);
    writer->bytes = NULL;
    writer->capacity = 0;
  }
  if (writer->bytes == NULL) grow(writer, first_size < writer->limit ? first_size : writer->limit);
  writer->target.next_output_byte = writer->bytes;
  writer->target.free_in_buffer = writer->capacity;
}

// The buffer is full, whatever free_in_buffer says.
static boolean on_full(j_compress_ptr info) {
  tamis_jpeg_writer *writer = owner((j_common_ptr)info);
  size_t count = writer->capacity;
  size_t capacity = count < writer->limit / 2 ? 2 * count : writer->limit;
  if (capacity == count) ERREXIT1(info, JERR_OUT_OF_MEMORY, 0);
  grow(writer, capacity);
  writer->target.next_output_byte = writer->bytes + count;
  writer->target.free_in_buffer = capacity - count;
  return TRUE;
}

static void on_end(j_compress_ptr info) { (void)info; }

tamis_jpeg_writer *tamis_jpeg_writer_create(void) {
  tamis_jpeg_writer *writer = calloc(1, sizeof *writer);
  if (writer == NULL) return NULL;
  writer->info.err = jpeg_std_error(&writer->errors);
  writer->info.client_data = writer;
  writer->errors.error_exit = on_error;
  writer->errors.emit_message = on_message;
  writer->errors.output_message = on_output;
  if (setjmp(writer->escape)) {
    jpeg_destroy_compress(&writer->info);
    free(writer);
    return NULL;
  }
  jpeg_create_compress(&writer->info);
  writer->target.init_destination = on_begin;
  writer->target.empty_output_buffer = on_full;
  writer->target.term_destination = on_end;
  writer->info.dest = &writer->target;
  return writer;
}

void tamis_jpeg_writer_destroy(tamis_jpeg_writer *writer) {
  if (writer == NULL) return;
  jpeg_destroy_compress(&writer->info);
  free(writer->bytes);
  free(writer);
}

tamis_status tamis_jpeg_write(tamis_jpeg_writer *writer, const uint8_t *pixels, uint32_t width, uint32_t height,
                              int quality, size_t max_bytes, const uint8_t **bytes, size_t *count) {
  enum { batch = 16 };
  j_compress_ptr info = &writer->info;
  writer->status = tamis_ok;
  writer->limit = max_bytes;
  writer->message[0] = 0;
  if (setjmp(writer->escape)) {
    jpeg_abort_compress(info);
    return writer->status;
  }
  info->image_width = width;
  info->image_height = height;
  info->input_components = 3;
  info->in_color_space = JCS_RGB;
  // YCbCr, both chroma planes halved along both sides, the standard's Huffman tables, one scan.
  jpeg_set_defaults(info);
  info->dct_method = JDCT_ISLOW;
  jpeg_set_quality(info, quality, TRUE);
  jpeg_start_compress(info, TRUE);
  while (info->next_scanline < info->image_height) {
    JSAMPROW rows[batch];
    JDIMENSION wanted = info->image_height - info->next_scanline;
    if (wanted > batch) wanted = batch;
    // libjpeg's declaration lacks the const; it does not write to the rows.
    for (JDIMENSION i = 0; i < wanted; i++) {
      rows[i] = (JSAMPROW)(uintptr_t)(pixels + (size_t)(info->next_scanline + i) * width * 3);
    }
    jpeg_write_scanlines(info, rows, wanted);
  }
  jpeg_finish_compress(info);
  *bytes = writer->bytes;
  *count = writer->capacity - writer->target.free_in_buffer;
  return tamis_ok;
}

const char *tamis_jpeg_writer_message(const tamis_jpeg_writer *writer) { return writer->message; }
