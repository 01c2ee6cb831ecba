import Algebra
import Prune
import Testing

@Test(
  "A plan decides the rows it was fitted on as the one-shot did",
  arguments: [PruneSettings.Rule.hard, .easy, .random])
func planRepeatsVerdicts(rule: PruneSettings.Rule) throws {
  var source = Rows(seed: 51)
  let (n, d) = (500, 12)
  let rows = EmbeddingMatrix(
    source.clustered(n, d, centres: 9, spread: 0.5).map { Float16($0) }, dimension: d)
  let input = PruneInput(image: rows, keys: .numbered(n))
  var settings = PruneSettings()
  settings.concepts = .init()
  settings.concepts?.rule = rule
  settings.concepts?.limit = .count(30)
  settings.seed = 3
  let fitted = try prune(input, settings)
  var plan = StreamingPlan(
    concepts: fitted.concepts, rule: rule, seed: 3, dedupCentroids: nil, duplicateAbove: 1)
  for i in 0..<n {
    let verdict = try plan.decide(rows.row(i), keyHash: input.keys.hashes[i], shard: 0, row: Int32(i))
    #expect(verdict == fitted.verdicts[i])
  }
}

@Test(
  "New rows of the same distribution: the kept share is the plan's, within 2 % of it",
  arguments: [PruneSettings.Rule.hard, .easy, .random])
func planKeepsItsShare(rule: PruneSettings.Rule) throws {
  var source = Rows(seed: 53)
  let (n, d) = (50_000, 6)
  let rows = EmbeddingMatrix(source.clustered(2 * n, d, centres: 40, spread: 0.6), dimension: d)
  let keys = KeyColumn.numbered(2 * n).hashes
  let fitting = EmbeddingMatrix((0..<n).flatMap { rows.row($0) }, dimension: d)
  var settings = PruneSettings()
  settings.concepts = .init()
  settings.concepts?.clusters = 30
  settings.concepts?.rule = rule
  settings.concepts?.limit = .keep(0.4)
  let fitted = try prune(
    PruneInput(image: fitting, keys: KeyColumn(rowNumberHashes: Array(keys[..<n]))), settings)
  var plan = StreamingPlan(
    concepts: fitted.concepts, rule: rule, seed: 0, dedupCentroids: nil, duplicateAbove: 1)
  let kept = try (n..<2 * n).count {
    try plan.decide(rows.row($0), keyHash: keys[$0], shard: 0, row: Int32($0)).kept
  }
  #expect(abs(Double(kept) / Double(n) - 0.4) < 0.02 * 0.4, "\(kept) of \(n)")
}

@Test("A new row that duplicates a kept one is dropped and names it; dropped rows are not remembered")
func planFindsDuplicates() throws {
  let centroids = EmbeddingMatrix(direction(0), dimension: 4)
  var plan = StreamingPlan(
    concepts: nil, rule: .hard, seed: 0, dedupCentroids: centroids, duplicateAbove: 1 - 0.07)
  try plan.remember(EmbeddingMatrix(direction(0), dimension: 4), [KeptOrigin(shard: 3, row: 8)])
  let near = try plan.decide(direction(15), keyHash: 1, shard: 4, row: 0)
  #expect(near.reason == .duplicate && near.duplicateShard == 3 && near.duplicateRow == 8)
  // 30° is near the dropped 15°, not near 0°.
  let far = try plan.decide(direction(30), keyHash: 2, shard: 4, row: 1)
  #expect(far.kept && far.duplicateRow == 8)
  let third = try plan.decide(direction(31), keyHash: 3, shard: 4, row: 2)
  #expect(third.reason == .duplicate && third.duplicateShard == 4 && third.duplicateRow == 1)
  #expect(throws: PruneError.zeroRow(.image, row: 9)) {
    try plan.decide([0, 0, 0, 0], keyHash: 0, shard: 0, row: 9)
  }
  #expect(throws: PruneError.dimension(.image, expected: 4, found: 1)) {
    try plan.decide([1], keyHash: 0, shard: 0, row: 0)
  }
}

@Test("The nearest of many kept rows is the exact one, over more than one block")
func planSearchIsExact() throws {
  var source = Rows(seed: 52)
  let d = 6
  var plan = StreamingPlan(
    concepts: nil, rule: .hard, seed: 0,
    dedupCentroids: EmbeddingMatrix(unit(source.values(d)), dimension: d), duplicateAbove: 2)
  var kept: [[Float]] = []
  for i in 0..<1300 {
    let row = unit(source.values(d))
    let verdict = try plan.decide(row, keyHash: 0, shard: 0, row: Int32(i))
    let dots = kept.map { Float(FixedOrderDot.dot(row, $0)) }
    let best = dots.max() ?? 0
    #expect(verdict.duplicateSimilarity == max(0, best))
    if best > 0 { #expect(verdict.duplicateRow == Int32(dots.firstIndex(of: best)!)) }
    kept.append(row)
  }
}

@Test(
  "Rows decided together get the verdicts of rows decided one by one, however they are split",
  arguments: [1, 3, 40])
func planDecidesBlocks(clusters: Int) throws {
  var source = Rows(seed: 57)
  let (n, d) = (3000, 10)
  var values = source.clustered(n, d, centres: 60, spread: 0.35)
  // Copies, of rows near and far before.
  for (copy, of) in [(40, 39), (500, 2), (2999, 0), (1500, 1400), (300, 40)] {
    for i in 0..<d { values[copy * d + i] = values[of * d + i] }
  }
  let rows = EmbeddingMatrix(values.map { Float16($0) }, dimension: d)
  let keys = KeyColumn.numbered(n).hashes
  var settings = PruneSettings()
  settings.concepts = .init()
  settings.concepts?.limit = .keep(0.6)
  let model = try prune(PruneInput(image: rows, keys: KeyColumn(rowNumberHashes: keys)), settings).concepts
  let scores = (0..<n).map { _ in source.value() }
  let references = EmbeddingMatrix(unit(source.values(d)) + unit(source.values(d)), dimension: d)
  func plan() -> StreamingPlan {
    StreamingPlan(
      concepts: model, rule: .hard, seed: 0,
      dedupCentroids: EmbeddingMatrix((0..<clusters).flatMap { rows.row($0 * 7) }, dimension: d),
      duplicateAbove: 0.98, scoreCut: -1, reference: StreamingReference(references, .gaps([0.7, 0.6])))
  }
  let origins = (0..<n).map { KeptOrigin(shard: Int32($0 / 100), row: Int32($0 % 100)) }
  var single = plan()
  let expected = try (0..<n).map {
    try single.decide(
      rows.row($0), score: scores[$0], keyHash: keys[$0], shard: origins[$0].shard, row: origins[$0].row)
  }
  for reason in [Reason.kept, .duplicate, .score, .reference, .quota] {
    #expect(expected.contains { $0.reason == reason }, "\(reason)")
  }
  // An oracle without tiles: the kept rows of the same cluster, one after the other.
  var kept = [[Int]](repeating: [], count: clusters)
  for row in 0..<n {
    let own = rows.row(row)
    let cluster = (0..<clusters).max { a, b in
      let (x, y) = (FixedOrderDot.dot(own, rows.row(a * 7)), FixedOrderDot.dot(own, rows.row(b * 7)))
      return Float(x) != Float(y) ? x < y : a > b
    }!
    var best: (similarity: Float, row: Int?) = (0, nil)
    for other in kept[cluster] {
      let dot = Float(FixedOrderDot.dot(own, rows.row(other)))
      if dot > best.similarity { best = (dot, other) }
    }
    #expect(expected[row].duplicateSimilarity == best.similarity)
    #expect(expected[row].duplicateShard == best.row.map { origins[$0].shard } ?? -1)
    #expect(expected[row].duplicateRow == best.row.map { origins[$0].row } ?? -1)
    if expected[row].kept { kept[cluster].append(row) }
  }
  for (step, threads) in [(n, 2), (700, 1), (255, 2)] {
    var plan = plan()
    var found: [Verdict] = []
    for start in stride(from: 0, to: n, by: step) {
      let range = start..<min(n, start + step)
      found += try plan.decide(
        rows.loaded(range), scores: Array(scores[range]), keyHashes: Array(keys[range]),
        origins: Array(origins[range]), threads: threads)
    }
    #expect(found == expected)
  }
}
