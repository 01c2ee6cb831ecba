/// The directory of a zip file (APPNOTE 6.3.10), zip64 too: as much as `.npz` needs.
///
/// Only the directory and the local headers are read. Nothing is believed that does not fit together: members lie
/// inside the file, apart from each other, under names of their own, and none claims more than its bytes can hold.
struct ZipArchive {
  /// One member.
  struct Entry: Equatable {
    var name: String
    /// 0 stored, 8 deflated; others cannot be read.
    var method: Int
    var isEncrypted: Bool
    var crc: UInt32
    /// Bytes it holds, as claimed.
    var size: UInt64
    /// Where its data is in the file.
    var data: Range<UInt64>

    /// The name in an error message.
    var shownName: String { "'\(printable(name.utf8, limit: 80))'" }
  }

  /// Why an archive or a member is refused, without the path.
  struct Failure: Error { let message: String }

  /// In the order of the directory.
  private(set) var entries: [Entry] = []

  private static let maximumDirectoryBytes: UInt64 = 16 << 20
  private static let maximumEntries: UInt64 = 65_536
  /// A deflate stream is never smaller than a 1032nd of what it holds.
  private static let maximumRatio: UInt64 = 1032

  /// Reads the directory.
  ///
  /// - Throws: ``Failure``, or `FileError`.
  init(_ file: borrowing File) throws {
    let end = try ZipEnd(file)
    guard end.entries <= Self.maximumEntries, end.bytes <= Self.maximumDirectoryBytes else {
      throw Failure(message: "\(end.entries) members in a directory of \(end.bytes) bytes: that is no .npz")
    }
    let directory = try file.read(at: end.offset, count: Int(end.bytes))
    var position = 0
    var names: Set<String> = []
    var places: [Range<UInt64>] = []
    for _ in 0..<end.entries {
      let (entry, place, next) = try Self.entry(directory, at: position, file, end.offset)
      guard names.insert(entry.name).inserted else {
        throw Failure(message: "two members are named \(entry.shownName)")
      }
      entries.append(entry)
      places.append(place)
      position = next
    }
    guard position == directory.count else {
      throw Failure(message: "the zip directory is longer than its members")
    }
    places.sort { $0.lowerBound < $1.lowerBound }
    for (before, after) in zip(places, places.dropFirst()) where before.upperBound > after.lowerBound {
      throw Failure(message: "members overlap at byte \(after.lowerBound)")
    }
  }

  /// The entry at `position`, the bytes of the file it takes with its local header, and where the next one begins.
  ///
  /// - Parameter limit: where the directory begins: members lie before it.
  private static func entry(
    _ bytes: [UInt8], at position: Int, _ file: borrowing File, _ limit: UInt64
  ) throws -> (Entry, Range<UInt64>, Int) {
    guard position + 46 <= bytes.count, bytes.number(position, 4) == 0x0201_4b50 else {
      throw Failure(message: "the zip directory is broken")
    }
    let nameEnd = position + 46 + Int(bytes.number(position + 28, 2))
    let extraEnd = nameEnd + Int(bytes.number(position + 30, 2))
    let next = extraEnd + Int(bytes.number(position + 32, 2))
    guard next <= bytes.count, let name = String(validating: bytes[(position + 46)..<nameEnd], as: UTF8.self)
    else { throw Failure(message: "the zip directory is broken") }
    var entry = Entry(
      name: name, method: Int(bytes.number(position + 10, 2)),
      isEncrypted: bytes.number(position + 8, 2) & 1 != 0,
      crc: UInt32(truncatingIfNeeded: bytes.number(position + 16, 4)), size: 0, data: 0..<0)
    let shown = entry.shownName
    // Where a 32-bit field is full, the extra field has the value, in this order.
    var wide = ZipWideFields(bytes[nameEnd..<extraEnd])
    guard let size = wide.value(bytes.number(position + 24, 4)),
      let stored = wide.value(bytes.number(position + 20, 4)),
      let start = wide.value(bytes.number(position + 42, 4))
    else { throw Failure(message: "the zip64 sizes of \(shown) are missing") }
    guard start <= limit, limit - start >= 30 else {
      throw Failure(message: "\(shown) begins outside the file")
    }
    let local = try file.read(at: start, count: 30)
    guard local.number(0, 4) == 0x0403_4b50, Int(local.number(8, 2)) == entry.method else {
      throw Failure(message: "the local header of \(shown) does not fit the directory")
    }
    let nameBytes = local.number(26, 2)
    guard try file.read(at: start + 30, count: Int(nameBytes)).elementsEqual(name.utf8) else {
      throw Failure(message: "the local header of \(shown) has another name")
    }
    let dataStart = start + 30 + nameBytes + local.number(28, 2)
    guard dataStart <= limit, stored <= limit - dataStart else {
      throw Failure(message: "the data of \(shown) reaches outside the file")
    }
    guard entry.method != 0 || stored == size, entry.method != 8 || size / maximumRatio <= stored else {
      throw Failure(message: "\(shown): \(stored) bytes cannot hold \(size)")
    }
    (entry.size, entry.data) = (size, dataStart..<dataStart + stored)
    return (entry, start..<dataStart + stored, next)
  }
}

/// What the end record of a zip file says, with the zip64 one where there is one.
private struct ZipEnd {
  /// Where the directory begins.
  var offset: UInt64
  /// Its length.
  var bytes: UInt64
  var entries: UInt64

  /// Finds the record, which stands before a comment of at most 64 KiB.
  init(_ file: borrowing File) throws {
    let size = try file.status().size
    let tailStart = size - min(size, 22 + 65_535)
    let tail = try file.read(at: tailStart, count: Int(size - tailStart))
    var found: Int?
    for offset in stride(from: tail.count - 22, through: 0, by: -1)
    where tail.number(offset, 4) == 0x0605_4b50
      && offset + 22 + Int(tail.number(offset + 20, 2)) == tail.count
    {
      found = offset
      break
    }
    guard let record = found else {
      throw ZipArchive.Failure(message: "no zip directory: truncated, or not a zip file")
    }
    var disks = tail.number(record + 4, 2) | tail.number(record + 6, 2)
    var here = tail.number(record + 8, 2)
    entries = tail.number(record + 10, 2)
    bytes = tail.number(record + 12, 4)
    offset = tail.number(record + 16, 4)
    var limit = tailStart + UInt64(record)
    if limit >= 20 {
      let locator = try file.read(at: limit - 20, count: 20)
      if locator.number(0, 4) == 0x0706_4b50 {
        let place = locator.number(8, 8)
        guard limit >= 76, place <= limit - 76 else {
          throw ZipArchive.Failure(message: "the zip64 end record is outside the file")
        }
        let wide = try file.read(at: place, count: 56)
        guard wide.number(0, 4) == 0x0606_4b50, place + 12 + min(wide.number(4, 8), 1 << 40) == limit - 20
        else { throw ZipArchive.Failure(message: "the zip64 end record is broken") }
        // Bits 0 to 15 of the old fields are all set where the wide ones are meant, so the wide ones win.
        disks = wide.number(16, 4) | wide.number(20, 4)
        (here, entries) = (wide.number(24, 8), wide.number(32, 8))
        (bytes, offset) = (wide.number(40, 8), wide.number(48, 8))
        limit = place
      }
    }
    guard disks == 0, here == entries else {
      throw ZipArchive.Failure(message: "zip archives of several files are not read")
    }
    guard offset <= limit, bytes == limit - offset else {
      throw ZipArchive.Failure(message: "the zip directory is not where the end record says: truncated?")
    }
  }
}

/// The 64-bit values of an extra field 0x0001: one for each 32-bit field that is full, in the order of the header.
private struct ZipWideFields {
  private var rest: [UInt8] = []

  init(_ extra: ArraySlice<UInt8>) {
    let bytes = Array(extra)
    var position = 0
    while position + 4 <= bytes.count {
      let end = position + 4 + Int(bytes.number(position + 2, 2))
      guard end <= bytes.count else { return }
      if bytes.number(position, 2) == 1 { rest = Array(bytes[(position + 4)..<end]) }
      position = end
    }
  }

  /// The value of a 32-bit field; nil where it is full and no wide value is left.
  mutating func value(_ field: UInt64) -> UInt64? {
    guard field == 0xFFFF_FFFF else { return field }
    guard rest.count >= 8 else { return nil }
    defer { rest.removeFirst(8) }
    return rest.number(0, 8)
  }
}

extension [UInt8] {
  /// A little-endian number; bytes beyond the end are 0.
  fileprivate func number(_ offset: Int, _ bytes: Int) -> UInt64 {
    (0..<bytes).reduce(0) { sum, i in
      let byte = indices.contains(offset + i) ? self[offset + i] : 0
      return sum | UInt64(byte) << UInt64(8 * i)
    }
  }
}
