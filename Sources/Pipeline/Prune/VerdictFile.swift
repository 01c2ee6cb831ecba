package import Prune
import Shards

/// Verdicts as `.npy`: 26 packed bytes a row.
package enum VerdictFile {
  static let type = NpyType.record([
    NpyField("kept", .bool), NpyField("reason", .uint8), NpyField("cluster", .int32),
    NpyField("distance", .float32),
    NpyField("duplicate_similarity", .float32), NpyField("duplicate_shard", .int32),
    NpyField("duplicate_row", .int32), NpyField("score", .float32),
  ])

  /// Writes some verdicts, synced.
  static func write(_ verdicts: ArraySlice<Verdict>, to path: String) throws(FileError) {
    var writer = try NpyWriter(path: path, type: type)
    for verdict in verdicts { try writer.append(bytes(verdict)) }
    try writer.finish()
  }

  /// One row of the file.
  package static func bytes(_ verdict: Verdict) -> [UInt8] {
    var row: [UInt8] = [verdict.kept ? 1 : 0, verdict.reason.rawValue]
    row.appendLittleEndian(verdict.cluster)
    row.appendLittleEndian(verdict.distance.bitPattern)
    row.appendLittleEndian(verdict.duplicateSimilarity.bitPattern)
    row.appendLittleEndian(verdict.duplicateShard)
    row.appendLittleEndian(verdict.duplicateRow)
    row.appendLittleEndian(verdict.score.bitPattern)
    return row
  }

  /// Reads the verdicts of one shard.
  static func read(_ path: String) throws -> [Verdict] {
    let reader = try NpyReader(path: path)
    guard reader.type == type, reader.shape.count == 1 else {
      throw NpyError(path: path, "these are no verdicts")
    }
    let bytes = try reader.rows(0..<reader.rowCount)
    return stride(from: 0, to: bytes.count, by: type.bytes).map { start in
      func word(_ offset: Int) -> UInt32 {
        (0..<4).reduce(0) { $0 | UInt32(bytes[start + offset + $1]) << (8 * UInt32($1)) }
      }
      var verdict = Verdict()
      verdict.kept = bytes[start] != 0
      verdict.reason = Reason(rawValue: bytes[start + 1]) ?? .filter
      verdict.cluster = Int32(bitPattern: word(2))
      verdict.distance = Float(bitPattern: word(6))
      verdict.duplicateSimilarity = Float(bitPattern: word(10))
      verdict.duplicateShard = Int32(bitPattern: word(14))
      verdict.duplicateRow = Int32(bitPattern: word(18))
      verdict.score = Float(bitPattern: word(22))
      return verdict
    }
  }
}
