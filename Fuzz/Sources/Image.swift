import CFuzzer
import Decode

/// Targets `jpeg`, `png`, `webp` and `gif`: the input is an image file; the targets differ in their corpus. The C
/// libraries are those of the system and not instrumented: what is tested is our use of them.
func fuzzImage(_ bytes: [UInt8]) {
  let limits = DecodeLimits(maxPixels: 1 << 17, maxSide: 65_535, maxCost: 1 << 21, maxMemory: 32 << 20)
  fuzz_heap_watch()
  let probed = attempt { () throws(DecodeError) in try unsafe probe(bytes.span.bytes, limits: limits) }
  let probePeak = fuzz_heap_peak()
  // A PNG's compressed texts are looked at for their orientation up to 1 MiB, in three forms at once.
  require(
    probePeak < (bytes.starts(with: [0x89]) ? 4 << 20 : 1 << 16), "reading a header took \(probePeak) bytes")
  guard case .success(let info) = probed else { return }
  require(info.width > 0 && info.height > 0, "\(info.width) x \(info.height)")
  require(info.width * info.height <= limits.maxPixels, "more pixels than allowed")
  require(max(info.width, info.height) <= limits.maxSide, "a longer side than allowed")
  require(info.cost <= limits.maxCost, "more cost than allowed")
  require(info.decodeMemory <= limits.maxMemory, "more memory than allowed")
  require((1...8).contains(info.orientation), "orientation \(info.orientation)")

  let strict = decodeTwice(bytes, info, limits, .reject)
  let lenient = decodeTwice(bytes, info, limits, .keep)
  if case .success(let image) = strict {
    require(lenient == .success(image), "keeping warnings changes pixels")
  }
  if info.format != .jpeg { require(strict == lenient, "warnings matter outside JPEG") }
  if case .success(let image) = lenient {
    require(image.width == info.orientedWidth && image.height == info.orientedHeight, "another size")
    require(image.pixels.count == image.width * image.height * 3, "missing pixels")
  }
  let filter = ResampleFilter.allCases[bytes.count % ResampleFilter.allCases.count]
  for fit in ThumbnailFit.allCases {
    let thumbnailer = Thumbnailer(size: 1 + bytes.count / 4 % 40, fit: fit, filter: filter)
    compareThumbnails(bytes, info, limits, .reject, strict, thumbnailer)
    compareThumbnails(bytes, info, limits, .keep, lenient, thumbnailer)
  }
}

/// The thumbnail made while decoding is that of the decoded image, or fails as decoding does; a fast one may differ
/// in pixels only.
private func compareThumbnails(
  _ bytes: [UInt8], _ info: ImageInfo, _ limits: DecodeLimits, _ policy: WarningPolicy, _ decoded: Decoded,
  _ thumbnailer: Thumbnailer
) {
  let expected = decoded.map { thumbnailer.make(from: $0) }
  for fast in [false, true] {
    var decoder = ImageDecoder(limits: limits, onWarning: policy, isFast: fast)
    fuzz_heap_watch()
    let made = attempt { () throws(DecodeError) in
      try unsafe decoder.thumbnail(bytes.span.bytes, info: info, by: thumbnailer)
    }
    let peak = fuzz_heap_peak()
    require(peak <= info.decodeMemory + resizing(info), "a thumbnail took \(peak) bytes")
    let again = attempt { () throws(DecodeError) in
      try unsafe decoder.thumbnail(bytes.span.bytes, info: info, by: thumbnailer)
    }
    require(made == again, "the second thumbnail is another, fast: \(fast)")
    switch (made, expected) {
    case (.success(let made), .success(let expected)):
      require(fast ? made.count == expected.count : made == expected, "other thumbnails, fast: \(fast)")
    case (.failure(let made), .failure(let expected)):
      require(made == expected, "\(made) making a thumbnail, \(expected) decoding, fast: \(fast)")
    default: require(false, "the thumbnail's verdict is another, fast: \(fast)")
    }
  }
}

private typealias Decoded = Result<RGBImage, DecodeError>

/// Decodes twice with one decoder and once with another: what came before must not matter.
private func decodeTwice(
  _ bytes: [UInt8], _ info: ImageInfo, _ limits: DecodeLimits, _ policy: WarningPolicy
) -> Decoded {
  var decoder = ImageDecoder(limits: limits, onWarning: policy)
  fuzz_heap_watch()
  let first = attempt { () throws(DecodeError) in try unsafe decoder.decode(bytes.span.bytes, info: info) }
  let peak = fuzz_heap_peak()
  require(
    peak <= info.decodeMemory + unforeseen,
    "decoding took \(peak) bytes, \(info.decodeMemory) were announced")
  let second = attempt { () throws(DecodeError) in try unsafe decoder.decode(bytes.span.bytes, info: info) }
  require(first == second, "decoded \(words(first)), then \(words(second))")
  return first
}

private func words(_ result: Decoded) -> String {
  switch result {
  case .success(let image): "\(image.width) x \(image.height), \(image.pixels.hashValue)"
  case .failure(let error): "\(error.code.rawValue): \(error.message)"
  }
}

/// Bytes that resizing to 40 pixels may take: rows of 32-bit sums, and weights for each column and row of the source.
private func resizing(_ info: ImageInfo) -> Int { (1 << 20) + (info.width + info.height) * 256 }

/// Bytes beyond the announcement that are no finding: error texts.
private let unforeseen = 1 << 14

private func attempt<Value>(_ body: () throws(DecodeError) -> Value) -> Result<Value, DecodeError> {
  do throws(DecodeError) { return .success(try body()) } catch { return .failure(error) }
}
