// libjpeg behind an opaque handle. One handle decodes many images, each as if it were the first; see CCodecs.h for
// the rules.
#include "CCodecs.h"

#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "jpeg_memory.h"
#include "jpeg_tables.h"
// jerror.h must follow jpeglib.h.
#include <jerror.h>

// Warnings after which a decode is given up, whatever the policy (libvips' limit).
enum { max_warnings = 100 };

struct tamis_jpeg {
  struct jpeg_decompress_struct info;
  struct jpeg_error_mgr errors;
  struct jpeg_progress_mgr progress;
  tamis_jpeg_memory memory;
  tamis_jpeg_tables tables;
  jmp_buf escape;
  tamis_status status;
  int max_scans;
  int strict;
  int warnings;
  int ended_early;
  char message[JMSG_LENGTH_MAX];
};

static tamis_jpeg *owner(j_common_ptr info) { return (tamis_jpeg *)info->client_data; }

tamis_jpeg_memory *tamis_jpeg_memory_of(j_common_ptr info) { return &owner(info)->memory; }
tamis_jpeg_tables *tamis_jpeg_tables_of(j_common_ptr info) { return &owner(info)->tables; }

static void fail(tamis_jpeg *jpeg, tamis_status status) {
  jpeg->status = status;
  longjmp(jpeg->escape, 1);
}

static void on_error(j_common_ptr info) {
  tamis_jpeg *jpeg = owner(info);
  info->err->format_message(info, jpeg->message);
  switch (info->err->msg_code) {
  case JERR_OUT_OF_MEMORY:
  case JERR_NO_BACKING_STORE:
    fail(jpeg, tamis_memory);
  case JERR_ARITH_NOTIMPL:
  case JERR_BAD_PRECISION:
  case JERR_NOT_COMPILED:
  case JERR_SOF_UNSUPPORTED:
  case JERR_CONVERSION_NOTIMPL:
    fail(jpeg, tamis_unsupported);
  case JERR_INPUT_EMPTY:
  case JERR_INPUT_EOF:
    fail(jpeg, tamis_truncated);
  default:
    // What breaks after the made-up end of a short file breaks because of it.
    fail(jpeg, jpeg->ended_early ? tamis_truncated : tamis_corrupt);
  }
}

static void on_message(j_common_ptr info, int level) {
  if (level >= 0) return;
  tamis_jpeg *jpeg = owner(info);
  if (jpeg->warnings == 0) info->err->format_message(info, jpeg->message);
  jpeg->warnings += 1;
  if (info->err->msg_code == JWRN_JPEG_EOF) jpeg->ended_early = 1;
  if (jpeg->strict) fail(jpeg, jpeg->ended_early ? tamis_truncated : tamis_warning);
  if (jpeg->warnings >= max_warnings) fail(jpeg, jpeg->ended_early ? tamis_truncated : tamis_warning);
}

static void on_output(j_common_ptr info) { (void)info; }

static void on_progress(j_common_ptr info) {
  tamis_jpeg *jpeg = owner(info);
  if (jpeg->info.input_scan_number > jpeg->max_scans) {
    snprintf(jpeg->message, sizeof jpeg->message, "more than %d scans", jpeg->max_scans);
    fail(jpeg, tamis_scans);
  }
}

tamis_jpeg *tamis_jpeg_create(void) {
  tamis_jpeg *jpeg = calloc(1, sizeof *jpeg);
  if (jpeg == NULL) return NULL;
  jpeg->info.err = jpeg_std_error(&jpeg->errors);
  jpeg->info.client_data = jpeg;
  jpeg->errors.error_exit = on_error;
  jpeg->errors.emit_message = on_message;
  jpeg->errors.output_message = on_output;
  if (setjmp(jpeg->escape)) {
    jpeg_destroy_decompress(&jpeg->info);
    free(jpeg);
    return NULL;
  }
  jpeg_create_decompress(&jpeg->info);
  tamis_jpeg_memory_install((j_common_ptr)&jpeg->info, &jpeg->memory);
  tamis_jpeg_tables_install(&jpeg->info);
  jpeg->progress.progress_monitor = on_progress;
  return jpeg;
}

void tamis_jpeg_destroy(tamis_jpeg *jpeg) {
  if (jpeg == NULL) return;
  jpeg_destroy_decompress(&jpeg->info);
  tamis_jpeg_memory_free(&jpeg->memory);
  free(jpeg);
}

tamis_status tamis_jpeg_start(tamis_jpeg *jpeg, const uint8_t *bytes, size_t count, size_t max_memory,
                              int max_scans, int strict, int eighths, tamis_jpeg_header *header) {
  j_decompress_ptr info = &jpeg->info;
  jpeg->status = tamis_ok;
  jpeg->max_scans = max_scans;
  jpeg->strict = strict;
  jpeg->warnings = 0;
  jpeg->ended_early = 0;
  jpeg->message[0] = 0;
  if (setjmp(jpeg->escape)) return jpeg->status;
  jpeg_abort_decompress(info);
  tamis_jpeg_tables_forget(info);
  info->mem->max_memory_to_use = (long)max_memory;
  info->progress = &jpeg->progress;
  jpeg_mem_src(info, bytes, count);
  jpeg_read_header(info, TRUE);
  switch (info->num_components) {
  case 1:
  case 3:
    info->out_color_space = JCS_RGB;
    break;
  case 4:
    info->out_color_space = JCS_CMYK;
    break;
  default:
    snprintf(jpeg->message, sizeof jpeg->message, "%d components", info->num_components);
    return tamis_unsupported;
  }
  if (eighths != 8) {
    info->scale_num = (unsigned)eighths;
    info->scale_denom = 8;
  }
  jpeg_start_decompress(info);
  header->width = info->output_width;
  header->height = info->output_height;
  header->channels = (uint32_t)info->output_components;
  return tamis_ok;
}

tamis_status tamis_jpeg_read(tamis_jpeg *jpeg, uint8_t *pixels, size_t stride, size_t rows) {
  enum { batch = 16 };
  if (setjmp(jpeg->escape)) return jpeg->status;
  JDIMENSION end = jpeg->info.output_scanline + (JDIMENSION)rows;
  if (end > jpeg->info.output_height) return tamis_corrupt;
  while (jpeg->info.output_scanline < end) {
    JSAMPROW pointers[batch];
    JDIMENSION wanted = end - jpeg->info.output_scanline;
    if (wanted > batch) wanted = batch;
    for (JDIMENSION i = 0; i < wanted; i++) pointers[i] = pixels + i * stride;
    JDIMENSION got = jpeg_read_scanlines(&jpeg->info, pointers, wanted);
    pixels += got * stride;
  }
  return tamis_ok;
}

tamis_status tamis_jpeg_crop(tamis_jpeg *jpeg, uint32_t *left, uint32_t *width) {
  if (setjmp(jpeg->escape)) return jpeg->status;
  JDIMENSION x = *left, columns = *width;
  jpeg_crop_scanline(&jpeg->info, &x, &columns);
  *left = x;
  *width = columns;
  return tamis_ok;
}

tamis_status tamis_jpeg_skip(tamis_jpeg *jpeg, size_t rows) {
  if (setjmp(jpeg->escape)) return jpeg->status;
  // Skipping the last row would end the decode without a look at the data that is left.
  if (rows >= jpeg->info.output_height - jpeg->info.output_scanline) return tamis_corrupt;
  jpeg_skip_scanlines(&jpeg->info, (JDIMENSION)rows);
  return tamis_ok;
}

tamis_status tamis_jpeg_finish(tamis_jpeg *jpeg) {
  if (setjmp(jpeg->escape)) return jpeg->status;
  jpeg_finish_decompress(&jpeg->info);
  return tamis_ok;
}

void tamis_jpeg_reset(tamis_jpeg *jpeg) {
  if (setjmp(jpeg->escape)) return;
  jpeg_abort_decompress(&jpeg->info);
}

int tamis_jpeg_warnings(const tamis_jpeg *jpeg) { return jpeg->warnings; }

int tamis_jpeg_ended_early(const tamis_jpeg *jpeg) { return jpeg->ended_early; }

const char *tamis_jpeg_message(const tamis_jpeg *jpeg) { return jpeg->message; }
