import Foundation
import GRDB
public import Pipeline
import Shards

extension Catalog: StreamJournal {
  private static var now: Double { Date().timeIntervalSince1970 }

  public func load() throws -> StreamRecord {
    try database.read { database in
      var record = StreamRecord()
      record.claims = try Row.fetchAll(database, sql: "SELECT * FROM claim ORDER BY ordinal").map(Self.claim)
      record.generations = try Row.fetchAll(
        database, sql: "SELECT * FROM generation ORDER BY number"
      ).map(Self.generation)
      record.seals = try Row.fetchAll(database, sql: "SELECT * FROM seal ORDER BY number").map(Self.seal)
      record.fields = try String.fetchOne(database, sql: "SELECT json FROM fields")
      return record
    }
  }

  public func add(claims: [StreamClaim]) throws {
    try database.write { database in
      var ordinal = try Int.fetchOne(database, sql: "SELECT COALESCE(MAX(ordinal) + 1, 0) FROM claim")!
      for claim in claims {
        try database.execute(
          sql: """
            INSERT INTO claim (ordinal, name, path, size, modified, inode, state, claimed_at)
            VALUES (?, ?, ?, ?, ?, ?, ?, ?)
            """,
          arguments: [
            ordinal, claim.name, claim.path, Int64(claim.status.size), claim.status.modified,
            Int64(bitPattern: claim.status.inode), Self.name(claim.state), Self.now,
          ])
        ordinal += 1
      }
    }
  }

  public func update(_ claim: StreamClaim, at ordinal: Int) throws {
    try database.write { try Self.update(claim, at: ordinal, $0) }
  }

  public func begin(_ generation: StreamGeneration) throws {
    try database.write {
      try $0.execute(
        sql: "INSERT INTO generation (number, claims, cause, recipe, begun_at) VALUES (?, ?, ?, ?, ?)",
        arguments: [
          generation.number, generation.claims, generation.cause.rawValue, generation.recipe, Self.now,
        ])
    }
  }

  public func finish(generation number: Int, claims: [Int: StreamClaim]) throws {
    try database.write { database in
      for (ordinal, claim) in claims { try Self.update(claim, at: ordinal, database) }
      try database.execute(
        sql: "UPDATE generation SET fitted = 1, fitted_at = ? WHERE number = ?",
        arguments: [Self.now, number])
    }
  }

  public func abandon(generation number: Int) throws {
    try database.write {
      try $0.execute(sql: "DELETE FROM generation WHERE number = ? AND fitted = 0", arguments: [number])
    }
  }

  public func fix(fields: String) throws {
    try database.write {
      try $0.execute(
        sql: "INSERT INTO fields (id, json, fixed_at) VALUES (1, ?, ?)", arguments: [fields, Self.now])
    }
  }

  public func add(_ seal: StreamSeal) throws {
    try database.write {
      try $0.execute(
        sql: "INSERT INTO seal (number, name, samples, bytes, entry, sealed_at) VALUES (?, ?, ?, ?, ?, ?)",
        arguments: [seal.number, seal.name, seal.samples, Int64(seal.bytes), seal.entry, Self.now])
    }
  }

  public func published(seal number: Int) throws {
    try database.write {
      try $0.execute(
        sql: "UPDATE seal SET published = 1, published_at = ? WHERE number = ?",
        arguments: [Self.now, number])
    }
  }

  // MARK: Rows

  private static let states: [(StreamClaim.State, String)] = [
    (.taken, "taken"), (.decided, "decided"), (.rejected, "rejected"),
  ]

  private static func name(_ state: StreamClaim.State) -> String { states.first { $0.0 == state }!.1 }

  private static func update(_ claim: StreamClaim, at ordinal: Int, _ database: Database) throws {
    try database.execute(
      sql: """
        UPDATE claim SET size = ?, modified = ?, inode = ?, state = ?, samples = ?, accepted = ?, kept = ?,
          lost = ?, rejected = ?, dropped = ?, disposed = ?, changed_at = ? WHERE ordinal = ?
        """,
      arguments: [
        Int64(claim.status.size), claim.status.modified, Int64(bitPattern: claim.status.inode),
        name(claim.state), claim.samples, claim.accepted, claim.kept, claim.lost,
        try counts(claim.rejected), try counts(claim.dropped), claim.isDisposed, now, ordinal,
      ])
  }

  private static func counts(_ counts: [String: Int]) throws -> String {
    let encoder = JSONEncoder()
    encoder.outputFormatting = .sortedKeys
    return String(decoding: try encoder.encode(counts), as: UTF8.self)
  }

  private static func counts(_ text: String) throws -> [String: Int] {
    try JSONDecoder().decode([String: Int].self, from: Data(text.utf8))
  }

  private static func claim(_ row: Row) throws -> StreamClaim {
    var status = FileStatus()
    status.size = UInt64(row["size"] as Int64)
    status.modified = row["modified"]
    status.inode = UInt64(bitPattern: row["inode"] as Int64)
    status.isRegular = true
    var claim = StreamClaim(name: row["name"], path: row["path"], status: status)
    guard let state = states.first(where: { $0.1 == row["state"] }) else {
      throw PipelineError(.badData, "\(file): claim \(claim.name) has an unknown state")
    }
    claim.state = state.0
    (claim.samples, claim.accepted) = (row["samples"], row["accepted"])
    (claim.kept, claim.lost) = (row["kept"], row["lost"])
    claim.rejected = try counts(row["rejected"])
    claim.dropped = try counts(row["dropped"])
    claim.isDisposed = row["disposed"]
    return claim
  }

  private static func generation(_ row: Row) throws -> StreamGeneration {
    var generation = StreamGeneration(
      number: row["number"], claims: row["claims"], cause: .init(rawValue: row["cause"]) ?? .request,
      recipe: row["recipe"])
    generation.isFitted = row["fitted"]
    return generation
  }

  private static func seal(_ row: Row) throws -> StreamSeal {
    var seal = StreamSeal(
      number: row["number"], name: row["name"], samples: row["samples"],
      bytes: UInt64(row["bytes"] as Int64), entry: row["entry"])
    seal.isPublished = row["published"]
    return seal
  }
}
