/// The two ways to store the pixels of an image, and the way from one to the other.
public enum PixelLayout {
  /// Rewrites images from interleaved (n, H·W, C) to planar (n, C, H·W): feature (c·H + y)·W + x of a PCA
  /// row.
  ///
  /// - Parameters:
  ///   - interleaved: n·H·W·C bytes.
  ///   - pixels: H·W.
  ///   - channels: C.
  ///   - planar: as many bytes.
  /// - Precondition: a whole number of images; equal sizes.
  public static func makePlanar(
    _ interleaved: Span<UInt8>, pixels: Int, channels: Int = 3, into planar: inout MutableSpan<UInt8>
  ) {
    let size = pixels * channels
    precondition(size >= 1 && interleaved.count.isMultiple(of: size), "not a whole number of images")
    precondition(planar.count == interleaved.count, "planar and interleaved differ in size")
    for first in stride(from: 0, to: interleaved.count, by: size) {
      for c in 0..<channels {
        let plane = first + c * pixels
        for i in 0..<pixels { planar[plane + i] = interleaved[first + i * channels + c] }
      }
    }
  }

  /// The planar form of `interleaved` as a new array.
  public static func planar(_ interleaved: Span<UInt8>, pixels: Int, channels: Int = 3) -> [UInt8] {
    var result = [UInt8](repeating: 0, count: interleaved.count)
    var target = result.mutableSpan
    makePlanar(interleaved, pixels: pixels, channels: channels, into: &target)
    return result
  }
}
