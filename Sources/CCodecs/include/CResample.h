// The inner loops of resizing. C, because Swift cannot compile one function for AVX2 and ask at run time whether
// the processor has it; the plain version is for processors without, and the two give the same bits.
#ifndef TAMIS_CRESAMPLE_H
#define TAMIS_CRESAMPLE_H

#include <stddef.h>
#include <stdint.h>

enum {
  // Taps are weighted in groups of four; a group is eight numbers of 16 bits: w div 256 of each tap, then
  // w mod 256 of each.
  tamis_group_taps = 4,
  tamis_group_numbers = 8,
  // Rows resized along x at once.
  tamis_band_rows = 4,
  // Bytes that must be readable behind each source row of tamis_resample_x: weights of 0 round up a group.
  tamis_row_slack = 32,
};

typedef enum tamis_kernel { tamis_kernel_plain = 0, tamis_kernel_avx2 = 1 } tamis_kernel;

// The best kernel of this processor.
tamis_kernel tamis_best_kernel(void);

// One axis: output i is made of `count[i]` sources from `first[i]` on, with the groups of weights that stand
// at `weights + i * groups * tamis_group_numbers`. Weights have 22 fractional bits.
typedef struct tamis_axis {
  const int32_t *first;
  const int32_t *count;
  const int16_t *weights;
  size_t groups;
} tamis_axis;

// Resizes four rows of RGB pixels along x, `stride` bytes apart; the first pixel in memory is source number
// `origin`. `targets[i]` gets `outputs` pixels of row i.
void tamis_resample_x(tamis_kernel kernel, tamis_axis axis, size_t outputs, const uint8_t *rows, size_t stride,
                      size_t origin, uint8_t *const targets[tamis_band_rows]);

// Makes output `output` of an axis along y from rows of `samples` bytes, `stride` bytes apart, that are held in
// a ring of `ring_rows` rows: source number n is row n mod ring_rows.
void tamis_resample_y(tamis_kernel kernel, tamis_axis axis, size_t output, const uint8_t *ring, size_t stride,
                      size_t ring_rows, size_t samples, uint8_t *target);

#endif
