package import Shards

/// DataComp's uid: 32 hex digits in a sample's JSON, 128 bits.
package struct SampleUid: Sendable, Equatable, Comparable {
  package var high: UInt64
  package var low: UInt64

  package static func < (a: SampleUid, b: SampleUid) -> Bool { (a.high, a.low) < (b.high, b.low) }

  private static let fields = JSONFields(["json.uid"])!

  package init(high: UInt64, low: UInt64) { (self.high, self.low) = (high, low) }

  /// The `uid` of the text of a JSON member.
  ///
  /// - Parameter text: nil for a sample without one.
  /// - Throws: ``PipelineError`` (bad data) that names the sample.
  package init(_ text: ArraySlice<UInt8>?, of sample: String) throws(PipelineError) {
    guard let text else { throw Self.missing(sample, "has no json field") }
    guard let digits = Self.fields.strings(text)[0] else {
      throw Self.missing(sample, "has no uid in its json")
    }
    let middle = digits.startIndex + 16
    guard digits.count == 32, let high = Self.word(digits[..<middle]), let low = Self.word(digits[middle...])
    else {
      throw Self.missing(sample, "has a uid that is not 32 hex digits: \(printable(digits, limit: 60))")
    }
    (self.high, self.low) = (high, low)
  }

  /// Of ``bytes``.
  static let byteCount = 16

  /// Both words, little-endian: a row of `subset.npy`.
  var bytes: [UInt8] {
    var bytes: [UInt8] = []
    bytes.reserveCapacity(Self.byteCount)
    bytes.appendLittleEndian(high)
    bytes.appendLittleEndian(low)
    return bytes
  }

  init(bytes: ArraySlice<UInt8>) {
    let words = UInt64.decode(Array(bytes))
    (high, low) = (words[0], words[1])
  }

  private static func word(_ digits: ArraySlice<UInt8>) -> UInt64? {
    digits.first == UInt8(ascii: "+") || digits.first == UInt8(ascii: "-")
      ? nil : UInt64(String(decoding: digits, as: UTF8.self), radix: 16)
  }

  private static func missing(_ sample: String, _ what: String) -> PipelineError {
    PipelineError(.badData, "subset.npy: \(sample) \(what)")
  }
}

/// Writes `subset.npy`: uids sorted by (high, low), `<u8` each, for DataComp's resharder (spec/pruning.md 4.2).
///
/// Uids beyond 64 MiB wait on disk in sorted runs, which are merged at the end.
package struct SubsetWriter: ~Copyable {
  private static let blockRows = 4096

  private let path: String
  private let runRows: Int
  private let spool: String
  private var output: BufferedFile?
  private var held: [SampleUid] = []
  /// Rows of each run in the spool, in order.
  private var runs: [Int] = []

  /// - Parameters:
  ///   - path: of the array, written when all are there; runs go to a hidden file beside it.
  ///   - runRows: uids held in memory.
  package init(path: String, runRows: Int = 4 << 20) {
    (self.path, self.runRows) = (path, runRows)
    spool = Directory.parent(of: path) + "/." + Directory.name(of: path) + ".runs"
  }

  package mutating func add(_ uid: SampleUid) throws(FileError) {
    held.append(uid)
    if held.count == runRows { try spill() }
  }

  private mutating func spill() throws(FileError) {
    held.sort()
    if output == nil { output = BufferedFile(try File(path: spool, .create)) }
    for uid in held { try output!.write(uid.bytes[...]) }
    runs.append(held.count)
    held.removeAll(keepingCapacity: true)
  }

  /// Makes the array durable; equal uids stay as often as they came, as the resharder wants it.
  package consuming func finish() throws {
    var writer = try NpyWriter(path: path, type: DataCompSubset.type)
    if runs.isEmpty {
      for uid in held.sorted() { try writer.append(uid.bytes) }
    } else {
      if !held.isEmpty { try spill() }
      if let output = output.take() { try output.finish(syncing: false) }
      let file = try File(path: spool, .read)
      var start = 0
      var heads = runs.map { rows in
        defer { start += rows }
        return Run(rows: start..<(start + rows))
      }
      for index in heads.indices { try heads[index].advance(file) }
      while true {
        var least: (uid: SampleUid, run: Int)?
        for (run, head) in heads.enumerated() {
          if let uid = head.next, least.map({ uid < $0.uid }) ?? true { least = (uid, run) }
        }
        guard let least else { break }
        try writer.append(least.uid.bytes)
        try heads[least.run].advance(file)
      }
      try Directory.remove(spool)
    }
    try writer.finish()
  }

  /// One sorted run in the spool.
  private struct Run {
    var rows: Range<Int>
    var block: ArraySlice<SampleUid> = []
    var next: SampleUid?

    mutating func advance(_ file: borrowing File) throws(FileError) {
      if block.isEmpty, !rows.isEmpty {
        let count = min(rows.count, SubsetWriter.blockRows)
        let bytes = try file.read(
          at: UInt64(rows.lowerBound * SampleUid.byteCount), count: count * SampleUid.byteCount)
        let words = UInt64.decode(bytes)
        block = (0..<count).map { SampleUid(high: words[2 * $0], low: words[2 * $0 + 1]) }[...]
        rows = (rows.lowerBound + count)..<rows.upperBound
      }
      next = block.popFirst()
    }
  }
}
