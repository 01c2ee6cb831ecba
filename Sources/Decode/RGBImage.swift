/// An image of 8-bit RGB pixels.
public struct RGBImage: Sendable, Equatable {
  /// Width in pixels.
  public var width: Int
  /// Height in pixels.
  public var height: Int
  /// Rows from the top, R G B for each pixel: width × height × 3 bytes.
  public var pixels: [UInt8]

  /// An image of the given pixels; their number must fit.
  public init(width: Int, height: Int, pixels: [UInt8]) {
    precondition(width >= 0 && height >= 0 && pixels.count == width * height * 3, "pixels do not fit")
    self.width = width
    self.height = height
    self.pixels = pixels
  }
}

/// Makes an array of `count` bytes without clearing it first; `fill` must write every byte or throw.
func filledBytes(
  _ count: Int, _ fill: (UnsafeMutablePointer<UInt8>) throws(DecodeError) -> Void
) throws(DecodeError) -> [UInt8] {
  if count == 0 { return [] }
  var failure: DecodeError?
  let bytes = unsafe [UInt8](unsafeUninitializedCapacity: count) { buffer, initialized in
    do throws(DecodeError) {
      try unsafe fill(buffer.baseAddress!)
      initialized = count
    } catch {
      failure = error
    }
  }
  if let failure { throw failure }
  return bytes
}
