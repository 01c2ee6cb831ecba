import CFuzzer

/// Called by libFuzzer in place of its own mutations: one of those, inside the compression where there is one, and
/// seven times of eight the checksums mended. Random changes alone hardly ever get behind a checksum.
@_cdecl("LLVMFuzzerCustomMutator")
func mutate(_ data: UnsafeMutablePointer<UInt8>, _ size: Int, _ maximum: Int, _ seed: UInt32) -> Int {
  var draws = Draws(seed: seed)
  let target = FuzzTarget.current
  let bytes = unsafe Array(UnsafeBufferPointer(start: data, count: size))
  var changed: [UInt8]
  if draws.next(below: 8) < 7, let wrapped = target.unwrap(bytes) {
    changed = wrapped.wrap(target.mend(mutated(wrapped.inside, atMost: maximum * 4), &draws))
  } else {
    changed = mutated(bytes, atMost: maximum)
    if draws.next(below: 8) < 7 { changed = target.mend(changed, &draws) }
  }
  // What does not fit is not a shorter version of itself but something else; libFuzzer's own change is.
  if changed.count > maximum || changed.isEmpty { return unsafe LLVMFuzzerMutate(data, size, maximum) }
  unsafe data.update(from: changed, count: changed.count)
  return changed.count
}

/// One of libFuzzer's mutations.
private func mutated(_ bytes: [UInt8], atMost maximum: Int) -> [UInt8] {
  let room = min(maximum, bytes.count * 2 + 64)
  var changed = bytes + [UInt8](repeating: 0, count: max(room - bytes.count, 0))
  let count = unsafe LLVMFuzzerMutate(&changed, min(bytes.count, room), room)
  return Array(changed.prefix(count))
}

/// A tar with right checksums; now and then also with an end marker.
func mendTar(_ bytes: [UInt8], _ draws: inout Draws) -> [UInt8] {
  if isGzip(bytes) || isZstd(bytes) { return bytes }
  var bytes = bytes
  var offset = 0
  while offset + 512 <= bytes.count {
    let block = bytes[offset..<(offset + 512)]
    if block.allSatisfy({ $0 == 0 }) {
      offset += 512
      continue
    }
    var sum = 8 * 32
    for (index, byte) in block.enumerated() where !(148..<156).contains(index) { sum += Int(byte) }
    let digits = String(sum, radix: 8)
    let field = Array((String(repeating: "0", count: 6 - digits.count) + digits).utf8) + [0, 32]
    bytes.replaceSubrange((offset + 148)..<(offset + 156), with: field)
    let size = bytes[(offset + 124)..<(offset + 136)].prefix { (0x30...0x37).contains($0) }
      .reduce(0) { $0 << 3 | Int($1 & 7) }
    offset += 512 + (size <= bytes.count ? (size + 511) / 512 * 512 : 0)
  }
  if draws.next(below: 4) == 0 {
    bytes += [UInt8](repeating: 0, count: (512 - bytes.count % 512) % 512 + 1024)
  }
  return bytes
}

private func isGzip(_ bytes: [UInt8]) -> Bool { bytes.starts(with: [0x1f, 0x8b]) }
private func isZstd(_ bytes: [UInt8]) -> Bool { bytes.starts(with: [0x28, 0xb5, 0x2f, 0xfd]) }

/// The inside of an input and the function that wraps a changed inside again.
struct Wrapped {
  var inside: [UInt8]
  var wrap: ([UInt8]) -> [UInt8]
}

/// The tar in a gzip or zstd file.
func unwrapShard(_ bytes: [UInt8]) -> Wrapped? {
  let room = 1 << 16
  if isGzip(bytes) {
    let inside = unsafe filled(room) { unsafe fuzz_gunzip(bytes, bytes.count, $0, room) }
    return inside.isEmpty ? nil : Wrapped(inside: inside, wrap: gzipped)
  }
  if isZstd(bytes) {
    let inside = unsafe filled(room) { unsafe fuzz_unzstd(bytes, bytes.count, $0, room) }
    return inside.isEmpty ? nil : Wrapped(inside: inside, wrap: zstdPacked)
  }
  return nil
}

func gzipped(_ bytes: [UInt8]) -> [UInt8] {
  let room = bytes.count + 1024
  return unsafe filled(room) { unsafe fuzz_gzip(bytes, bytes.count, $0, room) }
}

func zstdPacked(_ bytes: [UInt8]) -> [UInt8] {
  let room = bytes.count + 1024
  return unsafe filled(room) { unsafe fuzz_zstd(bytes, bytes.count, $0, room) }
}

private func filled(_ room: Int, _ body: (UnsafeMutablePointer<UInt8>) -> Int) -> [UInt8] {
  var bytes = [UInt8](repeating: 0, count: room)
  let count = unsafe bytes.withUnsafeMutableBufferPointer { unsafe body($0.baseAddress!) }
  return Array(bytes.prefix(count))
}

/// A PNG with right CRCs.
func mendPNG(_ bytes: [UInt8], _ draws: inout Draws) -> [UInt8] {
  var bytes = bytes
  var offset = 8
  while offset + 12 <= bytes.count {
    let length = bytes[offset..<(offset + 4)].reduce(0) { $0 << 8 | Int($1) }
    guard offset + 12 + length <= bytes.count else { break }
    let covered = Array(bytes[(offset + 4)..<(offset + 8 + length)])
    let crc = unsafe fuzz_crc32(covered, covered.count)
    let end = offset + 8 + length
    for index in 0..<4 { bytes[end + index] = UInt8(truncatingIfNeeded: crc >> (24 - 8 * UInt32(index))) }
    offset = end + 4
  }
  return bytes
}

/// A WebP whose outer length is that of the file.
func mendRIFF(_ bytes: [UInt8], _ draws: inout Draws) -> [UInt8] {
  guard bytes.count > 12 else { return bytes }
  var bytes = bytes
  for index in 0..<4 { bytes[4 + index] = UInt8(truncatingIfNeeded: (bytes.count - 8) >> (8 * index)) }
  return bytes
}

/// A `.npy` file whose header length reaches to the end of the dict and whose data, where that is not much, has as
/// many bytes as the shape of 4-byte items asks for, or twice or half as many.
func mendNpy(_ bytes: [UInt8], _ draws: inout Draws) -> [UInt8] {
  guard bytes.count > 12, let close = bytes.firstIndex(of: UInt8(ascii: "}")) else { return bytes }
  var bytes = bytes
  let start = bytes[6] == 1 ? 10 : 12
  var end = close + 1
  while end < bytes.count, bytes[end] == 32 || bytes[end] == 10 { end += 1 }
  guard end > start else { return bytes }
  for index in 0..<(start - 8) { bytes[8 + index] = UInt8(truncatingIfNeeded: (end - start) >> (8 * index)) }
  if let open = bytes[..<close].lastIndex(of: UInt8(ascii: "(")) {
    let axes = bytes[open..<close].split { !(0x30...0x39).contains($0) }.map {
      Int(String(decoding: $0, as: UTF8.self)) ?? 0
    }
    let items = axes.reduce(1) { $0.multipliedReportingOverflow(by: $1).partialValue }
    if (0...2048).contains(items) {
      let wanted = items * [1, 2, 4, 8][draws.next(below: 4)]
      let data = bytes[end...].prefix(wanted)
      bytes = bytes[..<end] + data + [UInt8](repeating: 7, count: wanted - data.count)
    }
  }
  return bytes
}
