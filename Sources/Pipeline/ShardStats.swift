import Foundation
import Shards

/// `NNNNN_stats.json` of img2dataset: written last, so it marks a shard as ready, and it counts the samples.
enum ShardStats {
  static let suffix = "_stats.json"
  /// Largest stats file read.
  private static let maximumBytes = 1 << 20

  /// True for digits and `_stats.json`.
  static func isStatsName(_ name: String) -> Bool {
    guard name.hasSuffix(suffix) else { return false }
    let number = name.dropLast(suffix.count)
    return !number.isEmpty && number.allSatisfy { ("0"..."9").contains($0) }
  }

  /// True when img2dataset writes, or wrote, into a directory with these names: a stats file is there, or its
  /// `_tmp` with feather files, which comes before the first shard.
  static func isOutputFolder(_ directory: String, _ names: [String]) throws -> Bool {
    if names.contains(where: isStatsName) { return true }
    guard names.contains("_tmp") else { return false }
    return try Directory.names(in: directory + "/_tmp")?.contains { $0.hasSuffix(".feather") } ?? false
  }

  /// The number of samples that a stats file counts.
  ///
  /// - Throws: ``ShardFault`` when it is none, `FileError` when it cannot be read.
  static func successes(_ path: String) throws -> Int {
    struct Stats: Decodable { var successes: Int }
    let bytes = try File.regular(path).read(at: 0, count: maximumBytes + 1)
    let decoder = JSONDecoder()
    decoder.allowsJSON5 = true  // Python writes NaN
    guard bytes.count <= maximumBytes, let stats = try? decoder.decode(Stats.self, from: Data(bytes)),
      stats.successes >= 0
    else {
      throw ShardFault(
        .badHeader, at: 0, "\(Directory.name(of: path)) is no JSON object with a whole number 'successes'")
    }
    return stats.successes
  }
}
