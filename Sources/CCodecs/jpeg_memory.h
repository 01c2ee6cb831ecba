// Memory for what libjpeg needs during one image, kept for the next one.
#ifndef TAMIS_JPEG_MEMORY_H
#define TAMIS_JPEG_MEMORY_H

#include <stddef.h>
#include <stdio.h>

#include <jpeglib.h>

typedef struct tamis_jpeg_memory {
  struct tamis_block *blocks;   // in use, the newest first
  struct tamis_block *spare;    // from earlier images
  size_t total;                 // bytes of all blocks
  struct jpeg_memory_mgr original;
} tamis_jpeg_memory;

// Lets `info` take its image pool from `memory`, which must outlive it. Call it after jpeg_create_decompress.
void tamis_jpeg_memory_install(j_common_ptr info, tamis_jpeg_memory *memory);
void tamis_jpeg_memory_free(tamis_jpeg_memory *memory);

// The memory of a decompressor; defined where the handle is that holds both.
tamis_jpeg_memory *tamis_jpeg_memory_of(j_common_ptr info);

#endif
