// What the fuzz targets need from C: libFuzzer's entry points, a file in memory, and the peak of the heap.
#ifndef TAMIS_CFUZZER_H
#define TAMIS_CFUZZER_H

#include <stddef.h>
#include <stdint.h>

// libFuzzer as a library: parses its options and calls `target` for each input until it is done.
int LLVMFuzzerRunDriver(int *argc, char ***argv, int (*target)(const uint8_t *data, size_t size));

// One of libFuzzer's own mutations, in place; returns the new size.
size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t max_size);

// Makes `data` the content of one of two anonymous files; returns the path under which it can be opened.
const char *fuzz_file(int which, const uint8_t *data, size_t size);

// Bytes of such a file, and a copy of them.
size_t fuzz_file_size(int which);
void fuzz_file_read(int which, uint8_t *into, size_t size);

// Starts watching the heap of this thread, and ends it: the most bytes that were allocated beyond those at the
// start, in Swift, C and the codec libraries alike. A counter of AddressSanitizer's allocator.
void fuzz_heap_watch(void);
size_t fuzz_heap_peak(void);

// Compression in memory; the size of the result, or 0 where it does not fit or the input is broken.
size_t fuzz_gzip(const uint8_t *data, size_t size, uint8_t *into, size_t room);
size_t fuzz_zstd(const uint8_t *data, size_t size, uint8_t *into, size_t room);
size_t fuzz_gunzip(const uint8_t *data, size_t size, uint8_t *into, size_t room);
size_t fuzz_unzstd(const uint8_t *data, size_t size, uint8_t *into, size_t room);

// The CRC of a PNG chunk.
uint32_t fuzz_crc32(const uint8_t *data, size_t size);

#endif
