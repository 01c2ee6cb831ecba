import CCodecs
import CGIF
import CWebP

/// The image libraries in use, name and version.
public func decodeLibraryVersions() -> [(String, String)] {
  let webp = WebPGetDecoderVersion()
  return unsafe [
    ("libjpeg", String(cString: tamis_jpeg_version())),
    ("libpng", String(cString: tamis_png_version())),
    ("libwebp", "\(webp >> 16).\(webp >> 8 & 255).\(webp & 255)"),
    ("giflib", "\(GIFLIB_MAJOR).\(GIFLIB_MINOR).\(GIFLIB_RELEASE)"),
  ]
}
