import CCodecs
import Glibc

/// The way back from pixels to a file, for the pictures Tamis draws itself.
public enum PNGEncoder {
  /// An image as PNG: 8-bit RGB, no ancillary chunk, no time. Equal images give equal bytes on one libpng and zlib.
  ///
  /// - Returns: nil if there is no memory.
  /// - Precondition: at least one pixel, sides below 10⁶ (libpng's limit).
  public static func encode(_ image: RGBImage) -> [UInt8]? {
    precondition(
      (1..<1_000_000).contains(image.width) && (1..<1_000_000).contains(image.height), "no such size")
    var count = 0
    guard
      let bytes = unsafe tamis_png_write(image.pixels, UInt32(image.width), UInt32(image.height), &count)
    else { return nil }
    defer { unsafe free(bytes) }
    return unsafe Array(UnsafeBufferPointer(start: bytes, count: count))
  }
}
