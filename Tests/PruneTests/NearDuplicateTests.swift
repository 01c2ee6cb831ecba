import Algebra
import Prune
import Testing

private func dedup(
  _ rows: EmbeddingMatrix, _ limit: PruneSettings.Dedup.Limit, rule: PruneSettings.Rule = .hard,
  scores: [Float]? = nil, threads: Int = 1
) throws -> PruneResult {
  var input = PruneInput(image: rows, keys: .numbered(rows.rows))
  input.scores = scores
  // One cluster, so that the test knows what is compared with what.
  input.dedupCentroids = EmbeddingMatrix(
    [1] + [Float](repeating: 0, count: rows.dimension - 1), dimension: rows.dimension)
  var settings = PruneSettings()
  settings.dedup = .init()
  settings.dedup?.limit = limit
  settings.dedup?.rule = rule
  settings.threads = threads
  return try prune(input, settings)
}

@Test("A removed row still removes later ones: A, B, C keeps A; A, C, B keeps A and C")
func removedRowsStillRemove() throws {
  let rows = EmbeddingMatrix([0, 15, 30].flatMap { direction($0) }, dimension: 4)
  let abc = try dedup(rows, .epsilon(0.07), rule: .score, scores: [0.9, 0.8, 0.7]).verdicts
  #expect(abc.map(\.kept) == [true, false, false])
  #expect(abc.map(\.duplicateRow) == [-1, 0, 1])
  let acb = try dedup(rows, .epsilon(0.07), rule: .score, scores: [0.9, 0.7, 0.8]).verdicts
  #expect(acb.map(\.kept) == [true, false, true])
  #expect(acb.map(\.duplicateRow) == [-1, 0, 0])
  #expect(acb[0].duplicateSimilarity == 0)
}

@Test("Similarities equal brute force over several panels, with copies and ties, on 1 and 2 threads")
func similaritiesAreExact() throws {
  var source = Rows(seed: 21)
  let (n, d) = (7000, 8)
  // Two of five rows lie on a coarse grid: most of those are copies, and many rows are equally similar.
  var values: [Float16] = []
  for i in 0..<n {
    var row = source.values(3).map { ($0 * 2).rounded() } + [Float](repeating: 0, count: d - 3)
    if i % 5 < 3 || row.allSatisfy({ $0 == 0 }) { row = source.values(d) }
    values += unit(row).map { Float16($0) }
  }
  let rows = EmbeddingMatrix(values, dimension: d)
  let hashes = KeyColumn.numbered(n).hashes
  let order = (0..<n).map { i in
    var generator = Philox(seed: 0, keyHash: hashes[i], epoch: .max)
    return (generator.next(), i)
  }.sorted { $0 < $1 }.map(\.1)
  let wide = (0..<n).map { rows.row($0) }
  var similarity = [Float](repeating: 0, count: n)
  var earlier = [Int32](repeating: -1, count: n)
  for (place, i) in order.enumerated() {
    for j in order[..<place] {
      let dot = Float(FixedOrderDot.dot(wide[i], wide[j]))
      if dot > similarity[i] { (similarity[i], earlier[i]) = (dot, Int32(j)) }
    }
  }
  for threads in [1, 2] {
    let found = try dedup(rows, .epsilon(0.01), rule: .random, threads: threads).verdicts
    #expect(found.map(\.duplicateSimilarity) == similarity)
    #expect(found.map(\.duplicateRow) == earlier)
    #expect(found.map(\.kept) == similarity.map { Double($0) <= 1 - 0.01 })
  }
}

@Test("Removals are nested in epsilon, and a fraction keeps the smallest similarities, ties by key")
func fractionsAreNested() throws {
  var source = Rows(seed: 22)
  let n = 500
  let rows = EmbeddingMatrix(source.clustered(n, 12, centres: 20, spread: 0.4), dimension: 12)
  let tight = try dedup(rows, .epsilon(0.05)).verdicts
  let loose = try dedup(rows, .epsilon(0.2)).verdicts
  #expect(zip(tight, loose).allSatisfy { $0.kept || !$1.kept })
  let half = try dedup(rows, .keep(0.51))
  #expect(half.verdicts.count(where: \.kept) == Int(0.51 * Double(n)))
  let kept = half.verdicts.filter(\.kept).map(\.duplicateSimilarity).max()!
  #expect(half.verdicts.filter { !$0.kept }.allSatisfy { $0.duplicateSimilarity >= kept })
  #expect(half.dedupCut == Double(kept))
  #expect(try dedup(rows, .keep(0)).verdicts.allSatisfy { $0.reason == .duplicate })
  #expect(try dedup(rows, .keep(1)).verdicts.allSatisfy { $0.kept })
}

@Test("200 000 copies of one row beside others cost no more than the others", .timeLimit(.minutes(10)))
func copiesAreCheap() throws {
  var source = Rows(seed: 23)
  let (n, d) = (203_000, 4)
  let copy = source.clustered(1, d, centres: 1, spread: 1)
  var values: [Float] = []
  for i in 0..<n { values += i % 70 == 3 ? unit(source.values(d)) : copy }
  let result = try dedup(EmbeddingMatrix(values, dimension: d), .epsilon(1e-4))
  let copies = result.verdicts.indices.filter { $0 % 70 != 3 }
  // All copies but the first, which is row 0 unless a different row lies within epsilon.
  #expect(copies.count { result.verdicts[$0].kept } <= 1)
  #expect(copies.dropFirst().allSatisfy { result.verdicts[$0].reason == .duplicate })
}

@Test("Equal rows: one is kept, the one with the smallest key")
func equalRowsKeepOne() throws {
  let row = direction(20)
  let n = 40
  let names = (0..<n).map { "k\(($0 * 17) % n + 10)" }
  var input = PruneInput(
    image: EmbeddingMatrix((0..<n).flatMap { _ in row }, dimension: 4),
    keys: KeyColumn(strings: names, hashes: KeyColumn.numbered(n).hashes))
  input.origin = RowOrigin(shard: (0..<Int32(n)).map { $0 / 8 }, row: (0..<Int32(n)).map { $0 % 8 })
  var settings = PruneSettings()
  settings.dedup = .init()
  settings.concepts = .init()
  settings.concepts?.limit = .keep(1)
  let result = try prune(input, settings)
  let first = names.indices.min { names[$0] < names[$1] }!
  for i in 0..<n {
    #expect(result.verdicts[i].kept == (i == first))
    #expect(result.verdicts[i].duplicateShard == (i == first ? -1 : Int32(first / 8)))
    #expect(result.verdicts[i].duplicateRow == (i == first ? -1 : Int32(first % 8)))
  }
  #expect(result.concepts?.size == [1])
}
