/// The bytes of one zip member, in order. At the last one, its size and its CRC are checked: bytes read to the end
/// are the archive's.
///
/// Memory is two buffers, whatever the directory claims.
final class ZipMember {
  private let file: File
  let entry: ZipArchive.Entry
  private let inflater: Inflater?
  private var input: [UInt8] = []
  private var used = 0
  /// Where the next input is in the file.
  private var position: UInt64
  /// Bytes given out.
  private var given: UInt64 = 0
  private var crc = CRC32()

  private static let inputBytes: UInt64 = 1 << 18

  /// Opens the member that `choose` takes from the directory.
  ///
  /// - Throws: ``ZipArchive/Failure`` for what cannot be read, or `FileError`.
  init(path: String, _ choose: ([ZipArchive.Entry]) throws -> ZipArchive.Entry) throws {
    let file = try File.regular(path)
    let entry = try choose(try ZipArchive(file).entries)
    guard !entry.isEncrypted else {
      throw ZipArchive.Failure(message: "\(entry.shownName) is encrypted")
    }
    guard entry.method == 0 || entry.method == 8 else {
      throw ZipArchive.Failure(
        message: "\(entry.shownName) is compressed by method \(entry.method); "
          + "stored (0) and deflated (8) members are read")
    }
    inflater = entry.method == 8 ? try Inflater() : nil
    self.file = file
    self.entry = entry
    position = entry.data.lowerBound
  }

  /// Bytes that are still to come.
  var remaining: UInt64 { entry.size - given }

  /// Exactly the next `count` bytes.
  ///
  /// - Precondition: no more than ``remaining``.
  func read(_ count: Int) throws -> [UInt8] {
    precondition(UInt64(count) <= remaining, "no more than the member has")
    var output = [UInt8](repeating: 0, count: count)
    var filled = 0
    while filled < count {
      let produced = try step(into: &output, from: filled)
      crc.add(output[filled..<filled + produced])
      filled += produced
    }
    given += UInt64(count)
    if remaining == 0 { try checkEnd() }
    return output
  }

  /// Gives at least one byte.
  private func step(into output: inout [UInt8], from start: Int) throws -> Int {
    while true {
      if used == input.count { try fill() }
      guard let inflater else {
        guard !input.isEmpty else { throw cut }
        let produced = min(input.count - used, output.count - start)
        output.replaceSubrange(start..<start + produced, with: input[used..<used + produced])
        used += produced
        return produced
      }
      guard !inflater.isAtEnd else {
        throw ZipArchive.Failure(message: "\(entry.shownName) ends before the size in the zip directory")
      }
      let isDrained = input.isEmpty
      let (consumed, produced) = try inflate(inflater, into: &output, from: start)
      used += consumed
      if produced > 0 { return produced }
      if isDrained && !inflater.isAtEnd { throw cut }
    }
  }

  private func inflate(
    _ inflater: Inflater, into output: inout [UInt8], from start: Int
  ) throws -> (consumed: Int, produced: Int) {
    do throws(DecompressionError) {
      return try inflater.step(input, used..<input.count, into: &output, from: start)
    } catch {
      throw ZipArchive.Failure(message: "\(entry.shownName): broken deflate data: \(error.message)")
    }
  }

  /// Reads on; leaves the input empty at the end of the data.
  private func fill() throws {
    let count = Int(min(entry.data.upperBound - position, Self.inputBytes))
    input = try file.read(at: position, count: count)
    used = 0
    guard input.count == count else {
      throw ZipArchive.Failure(message: "the file became shorter while it was read")
    }
    position += UInt64(count)
  }

  /// After the last byte: nothing may follow, and the sum must be right.
  private func checkEnd() throws {
    if let inflater {
      var more: [UInt8] = [0]
      while !inflater.isAtEnd {
        if used == input.count { try fill() }
        let isDrained = input.isEmpty
        let (consumed, produced) = try inflate(inflater, into: &more, from: 0)
        used += consumed
        guard produced == 0 else {
          throw ZipArchive.Failure(
            message: "\(entry.shownName) holds more than the size in the zip directory")
        }
        if isDrained && !inflater.isAtEnd { throw cut }
      }
      guard used == input.count, position == entry.data.upperBound else {
        throw ZipArchive.Failure(message: "\(entry.shownName): bytes behind the deflate data")
      }
    }
    guard crc.value == entry.crc else {
      throw ZipArchive.Failure(message: "\(entry.shownName): the CRC is wrong, the data is damaged")
    }
  }

  private var cut: ZipArchive.Failure {
    ZipArchive.Failure(message: "\(entry.shownName): the deflate data is truncated")
  }
}
