// The two vector operations Swift cannot spell: on x86-64 each is one or two SSE2 instructions.
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
