// Memory estimates are in the part of the interface that zstd does not promise to keep.
#define ZSTD_STATIC_LINKING_ONLY
#include <zstd.h>
#include <zstd_errors.h>
