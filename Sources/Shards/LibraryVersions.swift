import CZlib
import CZstd

/// The compression libraries in use, name and version; zstd must be built with threads, see
/// ``ZstdCompressor``.
public func shardLibraryVersions() -> [(String, String)] {
  let hasThreads = ZSTD_cParam_getBounds(ZSTD_c_nbWorkers).upperBound > 0
  return unsafe [
    (
      "libzstd",
      String(cString: ZSTD_versionString()) + (hasThreads ? "" : " (without threads: cannot write zstd)")
    ),
    ("zlib", String(cString: zlibVersion())),
  ]
}
