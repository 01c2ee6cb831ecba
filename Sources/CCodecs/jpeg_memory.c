// libjpeg allocates a dozen buffers for each image and frees them at its end. Here its image pool is a list of
// blocks that stay: jpeglib.h lets an application replace the methods of the memory manager. Coefficients of
// multi-scan files ("virtual arrays") stay with libjpeg, which counts them against max_memory_to_use.
#include "jpeg_memory.h"

#include <stdint.h>
#include <stdlib.h>

#include <jerror.h>

enum {
  alignment = 64,            // twice the widest vector, so that rows are padded as libjpeg-turbo's SIMD code expects
  block_size = 256 << 10,
  kept_size = 4 << 20,       // more than this is given back after an image
};

typedef struct tamis_block {
  struct tamis_block *next;
  size_t size;               // of the bytes behind this header
  size_t used;
} tamis_block;

static size_t padded(size_t size) { return (size + alignment - 1) / alignment * alignment; }

static uint8_t *content(tamis_block *block) { return (uint8_t *)block + alignment; }

static void release(tamis_block *block) {
  while (block != NULL) {
    tamis_block *next = block->next;
    free(block);
    block = next;
  }
}

static void *allocate(j_common_ptr info, size_t size) {
  tamis_jpeg_memory *memory = tamis_jpeg_memory_of(info);
  size = padded(size);
  tamis_block *block = memory->blocks;
  if (block == NULL || block->size - block->used < size) {
    tamis_block **link = &memory->spare;
    while (*link != NULL && (*link)->size < size) link = &(*link)->next;
    block = *link;
    if (block != NULL) {
      *link = block->next;
    } else {
      size_t capacity = size > block_size ? size : block_size;
      block = aligned_alloc(alignment, alignment + capacity);
      if (block == NULL) ERREXIT1(info, JERR_OUT_OF_MEMORY, 0);
      block->size = capacity;
      memory->total += capacity;
    }
    block->used = 0;
    block->next = memory->blocks;
    memory->blocks = block;
  }
  void *result = content(block) + block->used;
  block->used += size;
  return result;
}

static void *alloc_small(j_common_ptr info, int pool, size_t size) {
  if (pool != JPOOL_IMAGE) return tamis_jpeg_memory_of(info)->original.alloc_small(info, pool, size);
  return allocate(info, size);
}

static void *alloc_large(j_common_ptr info, int pool, size_t size) {
  if (pool != JPOOL_IMAGE) return tamis_jpeg_memory_of(info)->original.alloc_large(info, pool, size);
  return allocate(info, size);
}

static JSAMPARRAY alloc_sarray(j_common_ptr info, int pool, JDIMENSION samples, JDIMENSION rows) {
  if (pool != JPOOL_IMAGE) return tamis_jpeg_memory_of(info)->original.alloc_sarray(info, pool, samples, rows);
  size_t width = padded(samples * sizeof(JSAMPLE));
  JSAMPARRAY result = allocate(info, rows * sizeof *result);
  JSAMPROW row = allocate(info, rows * width);
  for (JDIMENSION i = 0; i < rows; i++) result[i] = row + i * width;
  return result;
}

static JBLOCKARRAY alloc_barray(j_common_ptr info, int pool, JDIMENSION blocks, JDIMENSION rows) {
  if (pool != JPOOL_IMAGE) return tamis_jpeg_memory_of(info)->original.alloc_barray(info, pool, blocks, rows);
  JBLOCKARRAY result = allocate(info, rows * sizeof *result);
  JBLOCKROW row = allocate(info, (size_t)rows * blocks * sizeof *row);
  for (JDIMENSION i = 0; i < rows; i++) result[i] = row + (size_t)i * blocks;
  return result;
}

static void free_pool(j_common_ptr info, int pool) {
  tamis_jpeg_memory *memory = tamis_jpeg_memory_of(info);
  memory->original.free_pool(info, pool);
  if (pool != JPOOL_IMAGE) return;
  if (memory->total > kept_size) {
    tamis_jpeg_memory_free(memory);
    return;
  }
  while (memory->blocks != NULL) {
    tamis_block *block = memory->blocks;
    memory->blocks = block->next;
    block->next = memory->spare;
    memory->spare = block;
  }
}

void tamis_jpeg_memory_install(j_common_ptr info, tamis_jpeg_memory *memory) {
  memory->original = *info->mem;
  info->mem->alloc_small = alloc_small;
  info->mem->alloc_large = alloc_large;
  info->mem->alloc_sarray = alloc_sarray;
  info->mem->alloc_barray = alloc_barray;
  info->mem->free_pool = free_pool;
}

void tamis_jpeg_memory_free(tamis_jpeg_memory *memory) {
  release(memory->blocks);
  release(memory->spare);
  memory->blocks = memory->spare = NULL;
  memory->total = 0;
}
