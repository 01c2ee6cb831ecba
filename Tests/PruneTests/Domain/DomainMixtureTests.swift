import Prune
import TestSupport
import Testing

@Suite struct DomainMixtureTests {
  private static let head = try? DomainHead(
    classes: ["natural", "rendition", "sketch"], weights: [1, 2, 3], bias: [0, 0, 0], thresholds: [0, 0, 0])

  private struct Sample {
    var classes: [Int32]
    let keys: KeyColumn
    var drops: [Reason]?

    init(_ n: Int, seed: UInt64) {
      var random = SplitMix(seed: seed)
      classes = (0..<n).map { _ in [0, 0, 0, 1, 1, 2, -1].randomElement(using: &random)! }
      keys = .numbered(n)
    }

    func decide(_ change: (inout DomainRule) -> Void) throws(DomainError) -> DomainDecision {
      var rule = DomainRule()
      change(&rule)
      guard let head = DomainMixtureTests.head else { throw DomainError("no head") }
      return try decideDomains(classes, rule, head: head, drops: drops, keys: keys, origin: nil)
    }

    func refusal(_ change: (inout DomainRule) -> Void) -> String? {
      do throws(DomainError) {
        _ = try decide(change)
        return nil
      } catch { return error.description }
    }
  }

  /// One seat after the other, by fractions.
  private func seats(_ parts: [Int], _ total: Int) -> [Int] {
    var won = [Int](repeating: 0, count: parts.count)
    for _ in 0..<total {
      var best = 0
      for j in parts.indices.dropFirst() where parts[j] * (2 * won[best] + 1) > parts[best] * (2 * won[j] + 1)
      {
        best = j
      }
      won[best] += 1
    }
    return won
  }

  @Test("counts are the seats of Sainte-Laguë, one by one", arguments: 0..<30)
  func counts(seed: UInt64) throws {
    var random = SplitMix(seed: seed)
    let sample = Sample(3000, seed: seed)
    let parts = (0..<3).map { _ in Int.random(in: 1...[3, 40, 1_000_000][Int(seed) % 3], using: &random) }
    let mix = ["natural": parts[0], "rendition": parts[1], "sketch": parts[2]]
    let largest = try sample.decide { $0.mix = mix }
    let most = largest.counts.reduce(0) { $0 + $1.kept }
    #expect(most > 0 && largest.counts.map(\.kept) == seats(parts, most) + [0])
    // One more does not fit.
    #expect(zip(seats(parts, most + 1), largest.counts).contains { $0 > $1.samples })
    #expect(
      sample.refusal { ($0.mix, $0.total) = (mix, most + 1) }?.hasSuffix("this ratio is \(most)") == true)
    let total = Int.random(in: 1...most, using: &random)
    let smaller = try sample.decide { ($0.mix, $0.total) = (mix, total) }
    #expect(smaller.counts.map(\.kept) == seats(parts, total) + [0])
  }

  @Test("a larger total holds the smaller one; another seed is another draw")
  func nested() throws {
    let sample = Sample(2000, seed: 1)
    var before: [Reason]?
    for total in stride(from: 1, to: 700, by: 13) {
      let decision = try sample.decide {
        ($0.mix, $0.total) = (["natural": 5, "rendition": 2, "sketch": 1], total)
      }
      #expect(decision.drops.count { $0 == .kept } == total)
      if let before { #expect(zip(before, decision.drops).allSatisfy { $0 != .kept || $1 == .kept }) }
      before = decision.drops
    }
    let rule = ["natural": 1, "sketch": 1]
    let (one, two) = (
      try sample.decide { ($0.mix, $0.total) = (rule, 100) },
      try sample.decide { ($0.mix, $0.total, $0.seed) = (rule, 100, 9) }
    )
    #expect(one.drops != two.drops && one.counts.map(\.kept) == two.counts.map(\.kept))
  }

  @Test("the cut of a class keeps what was kept, and nothing else; a class kept whole has none")
  func cuts() throws {
    let sample = Sample(2000, seed: 2)
    let decision = try sample.decide { ($0.mix, $0.seed) = (["natural": 1, "rendition": 1], 3) }
    for (row, kind) in sample.classes.enumerated() {
      let cut = decision.counts[kind < 0 ? 3 : Int(kind)].cut
      let rank = randomRank(seed: 3, keyHash: sample.keys.hashes[row])
      #expect((decision.drops[row] == .kept) == (cut.map { rank <= $0 } ?? false))
    }
    #expect(decision.counts.map { $0.cut == .max } == [false, true, false, false])
    #expect(decision.counts.map { $0.cut == nil } == [false, false, true, true])
  }

  @Test("without a mixture: the first class, those named, and ambiguous samples if wanted")
  func keep() throws {
    let sample = Sample(500, seed: 4)
    func kept(_ change: (inout DomainRule) -> Void) throws -> Set<Int32> {
      let decision = try sample.decide(change)
      let kept = Set(sample.classes.indices.filter { decision.drops[$0] == .kept }.map { sample.classes[$0] })
      #expect(decision.drops.allSatisfy { $0 == .kept || $0 == .domain })
      #expect(decision.drops.count { $0 == .kept } == sample.classes.count { kept.contains($0) })
      return kept
    }
    #expect(try kept { _ in } == [0])
    #expect(try kept { $0.keep = ["sketch", "rendition"] } == [1, 2])
    #expect(try kept { ($0.keep, $0.keepsAmbiguous) = (["sketch"], true) } == [-1, 2])
  }

  @Test("rows dropped before keep their reason and do not count")
  func earlierDrops() throws {
    var sample = Sample(400, seed: 6)
    sample.drops = (0..<400).map { $0 % 3 == 0 ? .filter : .kept }
    let decision = try sample.decide { $0.mix = ["natural": 2, "rendition": 1] }
    for row in stride(from: 0, to: 400, by: 3) { #expect(decision.drops[row] == .filter) }
    #expect(decision.counts.reduce(0) { $0 + $1.samples } == 400 - 134)
    #expect(decision.counts.reduce(0) { $0 + $1.kept } == decision.drops.count { $0 == .kept })
  }

  @Test("the order of the rows changes nothing")
  func order() throws {
    let sample = Sample(600, seed: 8)
    let names = (0..<600).map { "k\($0)" }
    func kept(_ rows: [Int]) throws -> Set<String> {
      let keys = KeyColumn(
        strings: rows.map { names[$0] }, hashes: rows.map { sample.keys.hashes[$0] & ~0xFF })
      var rule = DomainRule()
      (rule.mix, rule.total) = (["natural": 2, "rendition": 1], 120)
      let head = try #require(Self.head)
      let decision = try decideDomains(
        rows.map { sample.classes[$0] }, rule, head: head, drops: nil, keys: keys, origin: nil)
      return Set(rows.indices.filter { decision.drops[$0] == .kept }.map { names[rows[$0]] })
    }
    var random = SplitMix(seed: 1)
    let expected = try kept(Array(0..<600))
    #expect(expected.count == 120)
    #expect(try kept((0..<600).shuffled(using: &random)) == expected)
  }

  @Test func mistakesAreTold() throws {
    let sample = Sample(300, seed: 5)
    #expect(
      sample.refusal { $0.keep = ["nature"] }?.contains("the head has natural, rendition, sketch") == true)
    #expect(sample.refusal { $0.mix = ["nature": 1] }?.contains("no class 'nature'") == true)
    var none = sample
    none.classes = sample.classes.map { $0 == 1 ? -1 : $0 }
    #expect(none.refusal { $0.mix = ["natural": 1, "rendition": 1] }?.contains("class rendition") == true)
    var rule = DomainRule()
    (rule.keep, rule.keepsAmbiguous, rule.mix) = (["natural"], true, ["natural": 0])
    #expect(rule.problems().map(\.path) == ["domain.mix", "domain.keep", "domain.ambiguous"])
    rule = DomainRule()
    rule.total = 0
    #expect(rule.problems().count == 2)
  }
}
