// Pillow's 8-bit resampling: sums of sample times weight with 22 fractional bits, rounded and clamped to a byte.
//
// A weight w is split into high = w div 256 and low = w mod 256, so that two taps can be multiplied and added at
// once as 16-bit numbers: sum = 256 * (sum of v * high) + (sum of v * low). The sums may wrap on the way; the
// result lies within 32 bits, so it is exact.
#include "CResample.h"

#include <string.h>

enum { fraction_bits = 22, half = 1 << (fraction_bits - 1) };

static uint8_t rounded(int32_t sum) {
  int32_t value = sum >> fraction_bits;
  return value < 0 ? 0 : value > 255 ? 255 : (uint8_t)value;
}

static int32_t weight(const int16_t *weights, size_t tap) {
  const int16_t *group = weights + tap / tamis_group_taps * tamis_group_numbers;
  return group[tap % tamis_group_taps] * 256 + group[tamis_group_taps + tap % tamis_group_taps];
}

// One sample of an output along y.
static uint8_t sample_along_y(tamis_axis axis, size_t output, const uint8_t *ring, size_t stride,
                              size_t ring_rows, size_t offset) {
  const int16_t *weights = axis.weights + output * axis.groups * tamis_group_numbers;
  uint32_t sum = half;
  size_t row = (size_t)axis.first[output] % ring_rows;
  for (size_t tap = 0; tap < (size_t)axis.count[output]; tap++) {
    sum += (uint32_t)ring[row * stride + offset] * (uint32_t)weight(weights, tap);
    if (++row == ring_rows) row = 0;
  }
  return rounded((int32_t)sum);
}

// Plain -----------------------------------------------------------------------------------------------------

static void plain_x(tamis_axis axis, size_t outputs, const uint8_t *rows, size_t stride, size_t origin,
                    uint8_t *const targets[tamis_band_rows]) {
  for (size_t x = 0; x < outputs; x++) {
    const int16_t *weights = axis.weights + x * axis.groups * tamis_group_numbers;
    const uint8_t *source = rows + ((size_t)axis.first[x] - origin) * 3;
    uint32_t sums[tamis_band_rows][3];
    for (int row = 0; row < tamis_band_rows; row++) sums[row][0] = sums[row][1] = sums[row][2] = half;
    for (size_t tap = 0; tap < (size_t)axis.count[x]; tap++) {
      uint32_t w = (uint32_t)weight(weights, tap);
      for (int row = 0; row < tamis_band_rows; row++) {
        for (int c = 0; c < 3; c++) sums[row][c] += source[row * stride + tap * 3 + c] * w;
      }
    }
    for (int row = 0; row < tamis_band_rows; row++) {
      for (int c = 0; c < 3; c++) targets[row][x * 3 + c] = rounded((int32_t)sums[row][c]);
    }
  }
}

static void plain_y(tamis_axis axis, size_t output, const uint8_t *ring, size_t stride, size_t ring_rows,
                    size_t samples, uint8_t *target) {
  enum { lanes = 16 };
  const int16_t *weights = axis.weights + output * axis.groups * tamis_group_numbers;
  size_t offset = 0;
  for (; offset + lanes <= samples; offset += lanes) {
    uint32_t sums[lanes];
    for (int i = 0; i < lanes; i++) sums[i] = half;
    size_t row = (size_t)axis.first[output] % ring_rows;
    for (size_t tap = 0; tap < (size_t)axis.count[output]; tap++) {
      uint32_t w = (uint32_t)weight(weights, tap);
      const uint8_t *source = ring + row * stride + offset;
      for (int i = 0; i < lanes; i++) sums[i] += source[i] * w;
      if (++row == ring_rows) row = 0;
    }
    for (int i = 0; i < lanes; i++) target[offset + i] = rounded((int32_t)sums[i]);
  }
  for (; offset < samples; offset++) {
    target[offset] = sample_along_y(axis, output, ring, stride, ring_rows, offset);
  }
}

// AVX2 ------------------------------------------------------------------------------------------------------

#if defined(__x86_64__)
#include <immintrin.h>

#define AVX2 __attribute__((target("avx2")))

// 256 * high + low, rounded and shifted down to whole numbers.
AVX2 static inline __m256i whole(__m256i high, __m256i low) {
  __m256i sum = _mm256_add_epi32(_mm256_slli_epi32(high, 8), low);
  return _mm256_srai_epi32(_mm256_add_epi32(sum, _mm256_set1_epi32(half)), fraction_bits);
}

// As `whole`, after adding the two halves of both sums: the first row's in the low half of the result.
AVX2 static inline __m256i whole_pair(__m256i high0, __m256i low0, __m256i high1, __m256i low1) {
  __m256i sum0 = _mm256_add_epi32(_mm256_slli_epi32(high0, 8), low0);
  __m256i sum1 = _mm256_add_epi32(_mm256_slli_epi32(high1, 8), low1);
  __m256i sum = _mm256_add_epi32(_mm256_permute2x128_si256(sum0, sum1, 0x20),
                                 _mm256_permute2x128_si256(sum0, sum1, 0x31));
  return _mm256_srai_epi32(_mm256_add_epi32(sum, _mm256_set1_epi32(half)), fraction_bits);
}

// Adds four taps of one row: taps 0 and 1 in the low half of the sums, 2 and 3 in the high half, in each half
// red, green, blue and 0.
#define ADD_TAPS(row)                                                                              \
  do {                                                                                             \
    __m128i four = _mm_loadu_si128((const __m128i *)(source + (row) * stride));                    \
    __m256i taps = _mm256_shuffle_epi8(_mm256_broadcastsi128_si256(four), spread);                 \
    high##row = _mm256_add_epi32(high##row, _mm256_madd_epi16(taps, weight_high));                 \
    low##row = _mm256_add_epi32(low##row, _mm256_madd_epi16(taps, weight_low));                    \
  } while (0)

// One output of four rows: red, green, blue and 0 of each.
AVX2 static inline __m128i pixel_of_rows(tamis_axis axis, size_t output, const uint8_t *rows, size_t stride,
                                         size_t origin) {
  const int16_t *weights = axis.weights + output * axis.groups * tamis_group_numbers;
  const uint8_t *source = rows + ((size_t)axis.first[output] - origin) * 3;
  size_t groups = ((size_t)axis.count[output] + tamis_group_taps - 1) / tamis_group_taps;
  const char none = (char)0x80;
  const __m256i spread = _mm256_setr_epi8(                                           //
      0, none, 3, none, 1, none, 4, none, 2, none, 5, none, none, none, none, none,  //
      6, none, 9, none, 7, none, 10, none, 8, none, 11, none, none, none, none, none);
  const __m256i pick_high = _mm256_setr_epi32(0, 0, 0, 0, 1, 1, 1, 1);
  const __m256i pick_low = _mm256_setr_epi32(2, 2, 2, 2, 3, 3, 3, 3);
  __m256i high0 = _mm256_setzero_si256(), high1 = high0, high2 = high0, high3 = high0;
  __m256i low0 = high0, low1 = high0, low2 = high0, low3 = high0;
  for (size_t group = 0; group < groups; group++) {
    __m256i both = _mm256_castsi128_si256(_mm_loadu_si128((const __m128i *)weights));
    __m256i weight_high = _mm256_permutevar8x32_epi32(both, pick_high);
    __m256i weight_low = _mm256_permutevar8x32_epi32(both, pick_low);
    ADD_TAPS(0);
    ADD_TAPS(1);
    ADD_TAPS(2);
    ADD_TAPS(3);
    weights += tamis_group_numbers;
    source += tamis_group_taps * 3;
  }
  __m256i shorts =
      _mm256_packs_epi32(whole_pair(high0, low0, high1, low1), whole_pair(high2, low2, high3, low3));
  // Rows 0 and 2 in the low half, 1 and 3 in the high half.
  __m256i bytes = _mm256_packus_epi16(shorts, shorts);
  return _mm_unpacklo_epi32(_mm256_castsi256_si128(bytes), _mm256_extracti128_si256(bytes, 1));
}

AVX2 static void avx2_x(tamis_axis axis, size_t outputs, const uint8_t *rows, size_t stride, size_t origin,
                        uint8_t *const targets[tamis_band_rows]) {
  const __m128i close_up = _mm_setr_epi8(0, 1, 2, 4, 5, 6, 8, 9, 10, 12, 13, 14, -1, -1, -1, -1);
  for (size_t x = 0; x < outputs; x += 4) {
    // Four outputs of four rows, and turned round: a row in each. At the end some are made twice.
    size_t last = outputs - 1;
    __m128i pixel0 = pixel_of_rows(axis, x, rows, stride, origin);
    __m128i pixel1 = pixel_of_rows(axis, x + 1 < last ? x + 1 : last, rows, stride, origin);
    __m128i pixel2 = pixel_of_rows(axis, x + 2 < last ? x + 2 : last, rows, stride, origin);
    __m128i pixel3 = pixel_of_rows(axis, x + 3 < last ? x + 3 : last, rows, stride, origin);
    __m128i front01 = _mm_unpacklo_epi32(pixel0, pixel1), front23 = _mm_unpackhi_epi32(pixel0, pixel1);
    __m128i back01 = _mm_unpacklo_epi32(pixel2, pixel3), back23 = _mm_unpackhi_epi32(pixel2, pixel3);
    __m128i lines[tamis_band_rows] = {
        _mm_unpacklo_epi64(front01, back01), _mm_unpackhi_epi64(front01, back01),
        _mm_unpacklo_epi64(front23, back23), _mm_unpackhi_epi64(front23, back23)};
    for (int row = 0; row < tamis_band_rows; row++) {
      __m128i line = _mm_shuffle_epi8(lines[row], close_up);
      if (outputs - x >= 6) {
        // Four bytes too many are written where the next outputs will be.
        _mm_storeu_si128((__m128i *)(targets[row] + x * 3), line);
      } else {
        memcpy(targets[row] + x * 3, &line, (outputs - x < 4 ? outputs - x : 4) * 3);
      }
    }
  }
}

AVX2 static void avx2_y(tamis_axis axis, size_t output, const uint8_t *ring, size_t stride, size_t ring_rows,
                        size_t samples, uint8_t *target) {
  enum { lanes = 32 };
  const __m256i zero = _mm256_setzero_si256();
  const int16_t *weights = axis.weights + output * axis.groups * tamis_group_numbers;
  size_t first = (size_t)axis.first[output] % ring_rows;
  size_t pairs = ((size_t)axis.count[output] + 1) / 2;
  size_t offset = 0;
  for (; offset + lanes <= samples; offset += lanes) {
    __m256i high0 = zero, high1 = zero, high2 = zero, high3 = zero;
    __m256i low0 = zero, low1 = zero, low2 = zero, low3 = zero;
    size_t row = first;
    for (size_t pair = 0; pair < pairs; pair++) {
      const uint8_t *source0 = ring + row * stride + offset;
      if (++row == ring_rows) row = 0;
      // Beyond an odd count the weight is 0 and any row will do.
      const uint8_t *source1 = ring + row * stride + offset;
      if (++row == ring_rows) row = 0;
      int32_t high, low;
      const int16_t *group = weights + pair / 2 * tamis_group_numbers + pair % 2 * 2;
      memcpy(&high, group, 4);
      memcpy(&low, group + tamis_group_taps, 4);
      __m256i weight_high = _mm256_set1_epi32(high), weight_low = _mm256_set1_epi32(low);
      __m256i a = _mm256_loadu_si256((const __m256i *)source0);
      __m256i b = _mm256_loadu_si256((const __m256i *)source1);
      __m256i front = _mm256_unpacklo_epi8(a, b), back = _mm256_unpackhi_epi8(a, b);
      __m256i taps0 = _mm256_unpacklo_epi8(front, zero), taps1 = _mm256_unpackhi_epi8(front, zero);
      __m256i taps2 = _mm256_unpacklo_epi8(back, zero), taps3 = _mm256_unpackhi_epi8(back, zero);
      high0 = _mm256_add_epi32(high0, _mm256_madd_epi16(taps0, weight_high));
      high1 = _mm256_add_epi32(high1, _mm256_madd_epi16(taps1, weight_high));
      high2 = _mm256_add_epi32(high2, _mm256_madd_epi16(taps2, weight_high));
      high3 = _mm256_add_epi32(high3, _mm256_madd_epi16(taps3, weight_high));
      low0 = _mm256_add_epi32(low0, _mm256_madd_epi16(taps0, weight_low));
      low1 = _mm256_add_epi32(low1, _mm256_madd_epi16(taps1, weight_low));
      low2 = _mm256_add_epi32(low2, _mm256_madd_epi16(taps2, weight_low));
      low3 = _mm256_add_epi32(low3, _mm256_madd_epi16(taps3, weight_low));
    }
    __m256i shorts0 = _mm256_packs_epi32(whole(high0, low0), whole(high1, low1));
    __m256i shorts1 = _mm256_packs_epi32(whole(high2, low2), whole(high3, low3));
    _mm256_storeu_si256((__m256i *)(target + offset), _mm256_packus_epi16(shorts0, shorts1));
  }
  for (; offset < samples; offset++) {
    target[offset] = sample_along_y(axis, output, ring, stride, ring_rows, offset);
  }
}

tamis_kernel tamis_best_kernel(void) {
  return __builtin_cpu_supports("avx2") ? tamis_kernel_avx2 : tamis_kernel_plain;
}
#else
#define avx2_x plain_x
#define avx2_y plain_y

tamis_kernel tamis_best_kernel(void) { return tamis_kernel_plain; }
#endif

void tamis_resample_x(tamis_kernel kernel, tamis_axis axis, size_t outputs, const uint8_t *rows, size_t stride,
                      size_t origin, uint8_t *const targets[tamis_band_rows]) {
  (kernel == tamis_kernel_avx2 ? avx2_x : plain_x)(axis, outputs, rows, stride, origin, targets);
}

void tamis_resample_y(tamis_kernel kernel, tamis_axis axis, size_t output, const uint8_t *ring, size_t stride,
                      size_t ring_rows, size_t samples, uint8_t *target) {
  (kernel == tamis_kernel_avx2 ? avx2_y : plain_y)(axis, output, ring, stride, ring_rows, samples, target);
}
