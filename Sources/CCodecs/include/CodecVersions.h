// Which image libraries are linked, in words.
#ifndef TAMIS_CODEC_VERSIONS_H
#define TAMIS_CODEC_VERSIONS_H

const char *tamis_jpeg_version(void);
const char *tamis_png_version(void);

#endif
