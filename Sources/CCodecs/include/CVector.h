// The vector operations of resizing that Swift cannot spell; on x86-64 each is a few SSE2 instructions.
#ifndef TAMIS_CVECTOR_H
#define TAMIS_CVECTOR_H

#include <stdint.h>
#if defined(__SSE2__)
#include <emmintrin.h>
#endif

typedef int16_t tamis_int16x8 __attribute__((ext_vector_type(8)));
typedef int32_t tamis_int32x4 __attribute__((ext_vector_type(4)));

// Sums of neighbouring products: lane i = a[2i]·b[2i] + a[2i+1]·b[2i+1].
static inline tamis_int32x4 tamis_multiply_add_pairs(tamis_int16x8 a, tamis_int16x8 b) {
#if defined(__SSE2__)
  return (tamis_int32x4)_mm_madd_epi16((__m128i)a, (__m128i)b);
#else
  return __builtin_convertvector(a.even, tamis_int32x4) * __builtin_convertvector(b.even, tamis_int32x4) +
         __builtin_convertvector(a.odd, tamis_int32x4) * __builtin_convertvector(b.odd, tamis_int32x4);
#endif
}

// Spreads 16 samples into 16 lanes of 32 bits, each the 16-bit pair (v - 128, (v - 128) * 256).
static inline void tamis_spread_samples(const void *samples, void *lanes) {
#if defined(__SSE2__)
  __m128i *target = (__m128i *)lanes;
  __m128i zero = _mm_setzero_si128();
  __m128i centred = _mm_xor_si128(_mm_loadu_si128((const __m128i *)samples), _mm_set1_epi8((char)0x80));
  __m128i high0 = _mm_unpacklo_epi8(zero, centred), high1 = _mm_unpackhi_epi8(zero, centred);
  __m128i low0 = _mm_srai_epi16(high0, 8), low1 = _mm_srai_epi16(high1, 8);
  _mm_storeu_si128(target, _mm_unpacklo_epi16(low0, high0));
  _mm_storeu_si128(target + 1, _mm_unpackhi_epi16(low0, high0));
  _mm_storeu_si128(target + 2, _mm_unpacklo_epi16(low1, high1));
  _mm_storeu_si128(target + 3, _mm_unpackhi_epi16(low1, high1));
#else
  const uint8_t *from = (const uint8_t *)samples;
  int16_t *target = (int16_t *)lanes;
  for (int i = 0; i < 16; i++) {
    target[2 * i] = (int16_t)(from[i] - 128);
    target[2 * i + 1] = (int16_t)((from[i] - 128) * 256);
  }
#endif
}

// Each lane clamped to 0...255; lanes must lie within ±32767.
static inline tamis_int32x4 tamis_clamp_to_byte(tamis_int32x4 a) {
#if defined(__SSE2__)
  __m128i zero = _mm_setzero_si128();
  __m128i bytes = _mm_packus_epi16(_mm_packs_epi32((__m128i)a, zero), zero);
  return (tamis_int32x4)_mm_unpacklo_epi16(_mm_unpacklo_epi8(bytes, zero), zero);
#else
  return a < 0 ? (tamis_int32x4)0 : (a > 255 ? (tamis_int32x4)255 : a);
#endif
}

#endif
