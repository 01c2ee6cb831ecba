import Algebra
import Prune
import Synchronization
import Testing

/// Rows of `<f2` or `<f4` behind the interface of rows on disk.
private final class MemoryStore: RowStore {
  struct Broken: Error, CustomStringConvertible { let description = "rows.npy: the disk is gone" }

  let rows: Int
  let dimension: Int
  let isHalf: Bool
  private let bytes: [UInt8]
  /// Reads of this row fail from the `fails`-th on.
  private let bad: Int?
  private let reads = Mutex(0)
  private let fails: Int

  init(_ values: [Float], dimension: Int, half: Bool, bad: Int? = nil, fails: Int = 1) {
    (rows, self.dimension, isHalf) = (values.count / dimension, dimension, half)
    (self.bad, self.fails) = (bad, fails)
    func little(_ word: UInt32, _ count: Int) -> [UInt8] {
      (0..<count).map { UInt8(truncatingIfNeeded: word >> (8 * UInt32($0))) }
    }
    bytes = values.flatMap {
      half ? little(UInt32(Float16($0).bitPattern), 2) : little($0.bitPattern, 4)
    }
  }

  func read(_ range: Range<Int>, into target: inout MutableRawSpan) throws {
    if let bad, range.contains(bad),
      reads.withLock({
        $0 += 1; return $0 >= fails
      })
    {
      throw Broken()
    }
    let width = dimension * (isHalf ? 2 : 4)
    for (i, byte) in bytes[range.lowerBound * width..<range.upperBound * width].enumerated() {
      target.storeBytes(of: byte, toByteOffset: i, as: UInt8.self)
    }
  }
}

@Suite("Rows that stay on disk")
struct StoredRowsTests {
  private static let (n, d) = (1500, 12)

  /// Rows of which every fifth is a copy; of length 1, or of many lengths.
  private static func values(unit isUnit: Bool) -> [Float] {
    var source = Rows(seed: 77)
    var values = source.clustered(n, d, centres: 40, spread: 0.4)
    for i in stride(from: 0, to: n - 7, by: 5) {
      for t in 0..<d { values[(i + 7) * d + t] = values[i * d + t] }
    }
    if !isUnit { for i in values.indices { values[i] *= Float(1 + i / d % 9) } }
    return values
  }

  private static func settings(_ threads: Int) -> PruneSettings {
    var settings = PruneSettings()
    settings.dedup = .init()
    settings.dedup?.clusters = 5
    settings.score = .keep(0.9)
    settings.reference = .far(keep: 0.9)
    settings.concepts = .init()
    settings.concepts?.clusters = 9
    settings.threads = threads
    return settings
  }

  /// Keys in another order than the rows, so that reading and deciding go different ways.
  private static let keys = KeyColumn(
    strings: (0..<n).map { "s\(($0 * 7919) % 10007)" }, hashes: KeyColumn.numbered(n).hashes)

  @Test(
    "Verdicts and models are those of the same rows in memory, bit for bit",
    arguments: [(true, true), (true, false), (false, true), (false, false)])
  func same(half: Bool, unit: Bool) throws {
    let values = Self.values(unit: unit)
    let d = Self.d
    let inMemory =
      half ? EmbeddingMatrix(values.map { Float16($0) }, dimension: d) : EmbeddingMatrix(values, dimension: d)
    let onDisk = EmbeddingMatrix(MemoryStore(values, dimension: d, half: half))
    func result(_ matrix: EmbeddingMatrix, threads: Int) throws -> PruneResult {
      var input = PruneInput(image: matrix, keys: Self.keys)
      input.text = matrix
      input.reference = EmbeddingMatrix(Array(values[..<(30 * d)]), dimension: d)
      return try prune(input, Self.settings(threads))
    }
    let a = try result(inMemory, threads: 1)
    let b = try result(onDisk, threads: 2)
    #expect(Set(a.verdicts.map(\.reason)) == [.kept, .duplicate, .score, .reference, .quota])
    #expect(a.verdicts == b.verdicts && a.notices == b.notices && a.dedupCut == b.dedupCut)
    #expect(a.notices.contains(.normalised(.image, firstRow: 1)) == !unit)
    let (one, two) = (try #require(a.concepts), try #require(b.concepts))
    #expect((0..<9).allSatisfy { one.centroids.row($0) == two.centroids.row($0) })
    #expect(one.dIntra == two.dIntra && one.quota == two.quota && one.threshold == two.threshold)
  }

  @Test("Rows that cannot be read end the work with what the store said", arguments: [1, 2, 4])
  func broken(fails: Int) throws {
    let store = MemoryStore(Self.values(unit: true), dimension: Self.d, half: true, bad: 700, fails: fails)
    let input = PruneInput(image: EmbeddingMatrix(store), keys: Self.keys)
    var settings = Self.settings(2)
    (settings.score, settings.reference) = (nil, nil)
    #expect(throws: PruneError.unreadable(.image, "rows.npy: the disk is gone")) {
      _ = try prune(input, settings)
    }
  }
}
