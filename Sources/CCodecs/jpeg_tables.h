// Private to CCodecs.
#ifndef TAMIS_JPEG_TABLES_H
#define TAMIS_JPEG_TABLES_H

#include <stddef.h>
#include <stdio.h>

#include <jpeglib.h>

// Tables of images before, to be used again.
typedef struct tamis_jpeg_tables {
  JQUANT_TBL *quant[NUM_QUANT_TBLS];
  JHUFF_TBL *huffman[2 * NUM_HUFF_TBLS];
  int quant_count;
  int huffman_count;
  void *(*allocate)(j_common_ptr info, int pool, size_t size);
} tamis_jpeg_tables;

// The tables of a decompressor; defined where its owner is known.
tamis_jpeg_tables *tamis_jpeg_tables_of(j_common_ptr info);

// Call it once the decompressor and its memory manager are made.
void tamis_jpeg_tables_install(j_decompress_ptr info);

// Call it before each image: libjpeg keeps tables from image to image, for streams that leave them out.
void tamis_jpeg_tables_forget(j_decompress_ptr info);

#endif
