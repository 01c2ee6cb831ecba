#include "CodecVersions.h"

#include <png.h>
#include <stdio.h>

#include <jpeglib.h>

#define TEXT_OF(x) #x
#define TEXT(x) TEXT_OF(x)

const char *tamis_jpeg_version(void) {
#ifdef LIBJPEG_TURBO_VERSION
  return "libjpeg-turbo " TEXT(LIBJPEG_TURBO_VERSION) ", ABI " TEXT(JPEG_LIB_VERSION);
#else
  return "libjpeg, ABI " TEXT(JPEG_LIB_VERSION);
#endif
}

const char *tamis_png_version(void) { return png_get_libpng_ver(NULL); }
