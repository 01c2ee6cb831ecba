/// What the first bytes of a file say it is; names are never asked.
enum Sniffed {
  case image(ImageFormat)
  /// An image of a format that is not decoded.
  case unsupported(String)
  case other(String)
}

/// Recognises a file by its magic number.
func sniff(_ bytes: RawSpan) -> Sniffed {
  if bytes.has([0xFF, 0xD8, 0xFF], at: 0) { return .image(.jpeg) }
  if bytes.has([0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A], at: 0) { return .image(.png) }
  if bytes.has("RIFF", at: 0), bytes.has("WEBP", at: 8) { return .image(.webp) }
  if bytes.has("GIF87a", at: 0) || bytes.has("GIF89a", at: 0) { return .image(.gif) }
  if let name = unsupportedFormat(bytes) { return .unsupported(name) }
  if bytes.byteCount == 0 { return .other("the file is empty") }
  if looksLikeMarkup(bytes) { return .other("the file is HTML or XML text") }
  return .other("no magic number of an image")
}

private func unsupportedFormat(_ bytes: RawSpan) -> String? {
  if bytes.has("BM", at: 0), bytes.bigEndian32(at: 6) == 0 { return "BMP" }
  if bytes.has([0x49, 0x49, 0x2A, 0], at: 0) || bytes.has([0x4D, 0x4D, 0, 0x2A], at: 0) { return "TIFF" }
  if bytes.has([0x49, 0x49, 0x2B, 0], at: 0) || bytes.has([0x4D, 0x4D, 0, 0x2B], at: 0) { return "BigTIFF" }
  if bytes.has("ftyp", at: 4) {
    if bytes.has("avif", at: 8) || bytes.has("avis", at: 8) { return "AVIF" }
    for brand: StaticString in ["heic", "heix", "heim", "heis", "hevc", "hevx", "mif1", "msf1"]
    where bytes.has(brand, at: 8) { return "HEIF" }
  }
  if bytes.has([0xFF, 0x0A], at: 0) || bytes.has([0, 0, 0, 0x0C, 0x4A, 0x58, 0x4C, 0x20], at: 0) {
    return "JPEG XL"
  }
  if bytes.has([0xFF, 0x4F, 0xFF, 0x51], at: 0) || bytes.has([0, 0, 0, 0x0C, 0x6A, 0x50, 0x20, 0x20], at: 0) {
    return "JPEG 2000"
  }
  if bytes.has("8BPS", at: 0) { return "PSD" }
  if bytes.has("qoif", at: 0) { return "QOI" }
  if bytes.has([0, 0, 1, 0], at: 0), bytes.has([0], at: 9) { return "ICO" }
  if bytes.has([0x8A, 0x4D, 0x4E, 0x47], at: 0) { return "MNG" }
  return nil
}

/// Whether the text starts with `<`, after a byte order mark and white space.
private func looksLikeMarkup(_ bytes: RawSpan) -> Bool {
  var offset = bytes.has([0xEF, 0xBB, 0xBF], at: 0) ? 3 : 0
  while let byte = bytes.byte(at: offset), byte == 0x20 || (0x09...0x0D).contains(byte), offset < 1024 {
    offset += 1
  }
  return bytes.byte(at: offset) == 0x3C
}
