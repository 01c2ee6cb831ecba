import Decode
import Foundation

/// The files that `oracle/make_goldens.py` writes with Pillow.
enum Goldens {
  static let folder = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "Goldens")

  static func exists(_ name: String) -> Bool {
    FileManager.default.fileExists(atPath: folder.appending(path: name).path())
  }

  static func bytes(_ name: String) -> [UInt8] {
    guard let data = try? Data(contentsOf: folder.appending(path: name)) else {
      fatalError("no golden file \(name); run oracle/make_goldens.py")
    }
    return [UInt8](data)
  }

  /// The lines of a table, split at spaces.
  static func table(_ name: String) -> [[String]] {
    String(decoding: bytes(name), as: UTF8.self).split(separator: "\n").map {
      $0.split(separator: " ").map(String.init)
    }
  }

  static func image(_ name: String) throws -> RGBImage { try decoded(bytes(name)) }
}

/// Probes bytes.
func header(_ bytes: [UInt8], limits: DecodeLimits = DecodeLimits()) throws(DecodeError) -> ImageInfo {
  try unsafe probe(bytes.span.bytes, limits: limits)
}

extension ImageDecoder {
  mutating func decode(_ bytes: [UInt8], info: ImageInfo) throws(DecodeError) -> RGBImage {
    try unsafe decode(bytes.span.bytes, info: info)
  }
}

/// Probes and decodes.
func decoded(
  _ bytes: [UInt8], limits: DecodeLimits = DecodeLimits(), onWarning: WarningPolicy = .reject,
  appliesOrientation: Bool = true
) throws(DecodeError) -> RGBImage {
  var decoder = ImageDecoder(limits: limits, onWarning: onWarning, appliesOrientation: appliesOrientation)
  return try decoder.decode(bytes, info: header(bytes, limits: limits))
}

/// The reject code of some bytes, or nil if they decode.
func rejectCode(_ bytes: [UInt8], limits: DecodeLimits = DecodeLimits()) -> DecodeError.Code? {
  do throws(DecodeError) {
    _ = try decoded(bytes, limits: limits)
    return nil
  } catch {
    return error.code
  }
}

/// The 64-bit FNV-1a hash.
func fnv1a(_ bytes: [UInt8]) -> UInt64 {
  bytes.reduce(0xCBF2_9CE4_8422_2325) { ($0 ^ UInt64($1)) &* 0x100_0000_01B3 }
}
