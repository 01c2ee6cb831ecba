/// What one image may cost; checked against its header before anything is allocated.
public struct DecodeLimits: Sendable, Equatable {
  /// Largest width × height. The default is Pillow's warning threshold, a quarter GiB of RGB.
  public var maxPixels: Int
  /// Longest side, in pixels.
  public var maxSide: Int
  /// Largest ``ImageInfo/cost``. The default lets the largest allowed image have 16 scans.
  public var maxCost: UInt64
  /// Bytes that decoding one image may allocate (``ImageInfo/decodeMemory``); beyond it is `pixel_limit`.
  public var maxMemory: Int

  /// Longest side of a JPEG, in pixels: what libjpeg reads.
  public static let maxJPEGSide = 65_500

  /// More JPEG scans than this are never legitimate (the limit of libjpeg-turbo's own tools).
  public static let maxScans = 500

  /// The limits of the recipe's defaults.
  public init(
    maxPixels: Int = 89_478_485, maxSide: Int = 65_535, maxCost: UInt64 = 16 * 89_478_485,
    maxMemory: Int = 2 << 30
  ) {
    self.maxPixels = maxPixels
    self.maxSide = maxSide
    self.maxCost = maxCost
    self.maxMemory = maxMemory
  }
}

/// What to do with a JPEG that libjpeg could read only by repairing or guessing.
public enum WarningPolicy: String, Sendable, CaseIterable {
  /// Reject it: `truncated_image` where the data ends early, `jpeg_warning` otherwise.
  case reject
  /// Keep what libjpeg made of it, up to 100 warnings; the missing rest of a short file is grey.
  case keep
}
