import Foundation
import Prune
import Shards

/// Why a sample was kept, dropped or rejected, in plain words.
public enum Explain {
  /// Looks a key up in a workspace; nothing is written and no lock is taken.
  ///
  /// - Throws: ``PipelineError`` when the workspace does not know the key.
  public static func text(key: String, workspace path: String) throws -> String {
    let bytes = Array(key.utf8)
    let names = (try Directory.names(in: path + "/columns") ?? []).filter { !$0.hasPrefix(".") }
    for name in names {
      let columns = path + "/columns/" + name
      if let row = try KeyFile.keys(columns + "/keys.txt").firstIndex(where: { $0.elementsEqual(bytes) }) {
        return try accepted(key, row, name, path)
      }
      let lines = (try readFile(columns + "/rejects.jsonl") ?? []).split(separator: UInt8(ascii: "\n"))
      for line in lines {
        let reject = try JSON.decode(RejectRecord.self, from: Array(line))
        guard reject.key == key else { continue }
        return """
          \(key): rejected, \(reject.code)
            \(name):\(reject.offset):\(reject.member): \(reject.message)
          """
      }
    }
    throw PipelineError(.usage, "\(key): no such key in \(path)")
  }

  private struct RejectRecord: Decodable {
    var key: String
    var member: String
    var offset: UInt64
    var code: String
    var message: String
  }

  private static func accepted(_ key: String, _ row: Int, _ shard: String, _ path: String) throws -> String {
    let verdictPath = path + "/verdicts/\(shard).npy"
    guard try FileStatus(path: verdictPath) != nil else {
      return "\(key): accepted (shard \(shard), row \(row)); no verdict yet, run `tamis prune`"
    }
    let verdicts = try VerdictFile.read(verdictPath)
    guard row < verdicts.count else {
      throw PipelineError(.badData, "\(verdictPath): fewer rows than keys.txt")
    }
    let verdict = verdicts[row]
    var lines = ["\(key): \(headline(verdict))  (shard \(shard), row \(row))"]
    if verdict.reason != .filter, let domain = try DomainPlan.read(path) {
      let rows = try NpyReader(path: path + "/columns/\(shard)/image.npy")
      lines.append(try domain.story(try rows.floats(row..<row + 1)))
    }
    if !verdict.duplicateSimilarity.isNaN { lines.append(try duplicateLine(verdict, path)) }
    if !verdict.score.isNaN { lines.append("  score \(number(verdict.score))") }
    let shards = try FrozenPlan.shardNames(path)
    let place = ConceptRank.Place(
      shard: shards.firstIndex(of: shard) ?? -1, row: row, key: Array(key.utf8), verdict: verdict)
    if let line = try referenceLine(place, shards, path) { lines.append(line) }
    if verdict.cluster >= 0 { lines += try conceptLines(place, path) }
    return lines.joined(separator: "\n")
  }

  private static func headline(_ verdict: Verdict) -> String {
    switch verdict.reason {
    case .kept: "kept"
    case .duplicate: "dropped, a near-duplicate"
    case .score: "dropped by its score"
    case .quota: "dropped, its concept's quota is full"
    case .reference: "dropped by its similarity to the reference set"
    case .domain: "dropped by the domain stage"
    case .filter: "dropped by the filter"
    }
  }

  private static func duplicateLine(_ verdict: Verdict, _ path: String) throws -> String {
    let limit = try ConceptFiles.manifest(path + "/models/dedup")?.duplicateAbove
    let bound = limit.map { " (a duplicate above \(number(Float($0))))" } ?? ""
    guard verdict.duplicateShard >= 0 else {
      return "  near-duplicates: nothing similar came before it in its cluster\(bound)"
    }
    let shards = (try readFile(path + "/verdicts/shards.txt") ?? []).split(separator: UInt8(ascii: "\n"))
    let shard = String(decoding: shards[Int(verdict.duplicateShard)], as: UTF8.self)
    let keys = try KeyFile.keys(path + "/columns/\(shard)/keys.txt")
    let other = String(decoding: keys[Int(verdict.duplicateRow)], as: UTF8.self)
    return
      "  near-duplicates: similarity \(number(verdict.duplicateSimilarity)) to \(other) of shard \(shard)\(bound)"
  }

  /// What the reference stage found; nil where it did not look at the sample.
  private static func referenceLine(
    _ place: ConceptRank.Place, _ shards: [String], _ path: String
  ) throws -> String? {
    let directory = path + "/models/reference"
    guard let manifest = try ReferenceFiles.manifest(directory) else { return nil }
    var index = place.row
    for shard in shards.prefix(place.shard) {
      index += try NpyReader(path: path + "/verdicts/\(shard).npy").rowCount
    }
    // Samples of a stream came after the matches.
    guard let match = try ReferenceFiles.match(index, directory), match.set < manifest.sets.count else {
      return nil
    }
    let cut = manifest.cut.map { number(Float($0)) } ?? ""
    let rule =
      switch manifest.rule {
      case "near": " (near keeps up to \(cut))"
      case "far": " (far keeps from \(cut))"
      default: ", above its gap"
      }
    return "  references: similarity \(number(match.similarity)) to row \(match.row) of "
      + manifest.sets[match.set].name + rule
  }

  private static func conceptLines(_ place: ConceptRank.Place, _ path: String) throws -> [String] {
    let verdict = place.verdict
    guard let model = try ConceptFiles.read(path + "/models/concepts") else { return [] }
    let cluster = Int(verdict.cluster)
    guard cluster < model.size.count else { return [] }
    let manifest = try ConceptFiles.manifest(path + "/models/concepts")
    let rule = manifest.flatMap { PruneSettings.Rule(rawValue: $0.rule) } ?? .hard
    let rank = try ConceptRank(of: place, rule: rule, seed: manifest?.seed ?? 0, workspace: path)
    let threshold = number(model.threshold[cluster])
    let limit =
      switch rule {
      case .hard: "from \(threshold)"
      case .easy: "up to \(threshold)"
      case .random, .score: "the first \(model.quota[cluster])"
      }
    return [
      "  concept \(cluster): distance \(number(verdict.distance)) to its centroid, rank \(rank.rank) of "
        + "\(rank.members); \(rule.rawValue) keeps " + limit,
      "  concept \(cluster): \(model.size[cluster]) samples, complexity \(number(Float(model.complexity[cluster]))),"
        + " quota \(model.quota[cluster])",
    ]
  }

  private static func number(_ value: Float) -> String { String(format: "%.4f", value) }
}
