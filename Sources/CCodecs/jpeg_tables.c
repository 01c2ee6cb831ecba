// A JPEG without tables must not be decoded with those of the image before it. libjpeg knows a missing table by its
// null pointer and allocates a new one for the life of the decompressor, so the old ones are set aside and handed
// out again in place of that allocation.
#include "jpeg_tables.h"

static void *allocate(j_common_ptr info, int pool, size_t size) {
  tamis_jpeg_tables *tables = tamis_jpeg_tables_of(info);
  if (pool == JPOOL_PERMANENT) {
    if (size == sizeof(JQUANT_TBL) && tables->quant_count > 0) return tables->quant[--tables->quant_count];
    if (size == sizeof(JHUFF_TBL) && tables->huffman_count > 0) return tables->huffman[--tables->huffman_count];
  }
  return tables->allocate(info, pool, size);
}

void tamis_jpeg_tables_install(j_decompress_ptr info) {
  tamis_jpeg_tables_of((j_common_ptr)info)->allocate = info->mem->alloc_small;
  info->mem->alloc_small = allocate;
}

static void forget(tamis_jpeg_tables *tables, JHUFF_TBL **table) {
  if (*table != NULL) tables->huffman[tables->huffman_count++] = *table;
  *table = NULL;
}

void tamis_jpeg_tables_forget(j_decompress_ptr info) {
  tamis_jpeg_tables *tables = tamis_jpeg_tables_of((j_common_ptr)info);
  for (int i = 0; i < NUM_QUANT_TBLS; i++) {
    if (info->quant_tbl_ptrs[i] != NULL) tables->quant[tables->quant_count++] = info->quant_tbl_ptrs[i];
    info->quant_tbl_ptrs[i] = NULL;
  }
  for (int i = 0; i < NUM_HUFF_TBLS; i++) {
    forget(tables, &info->dc_huff_tbl_ptrs[i]);
    forget(tables, &info->ac_huff_tbl_ptrs[i]);
  }
}
