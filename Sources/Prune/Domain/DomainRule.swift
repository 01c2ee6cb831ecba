internal import Algebra

/// Which classes stay, and how many samples of each.
public struct DomainRule: Sendable, Equatable {
  /// Classes that stay whole; empty, without a mixture: the head's first class.
  public var keep: [String] = []
  /// Whether samples of no class stay (not with a mixture).
  public var keepsAmbiguous = false
  /// Parts by class: samples are drawn at this ratio, and other classes are dropped.
  public var mix: [String: Int] = [:]
  /// Samples that a mixture has together; nil: as many as the ratio allows.
  public var total: Int?
  /// Seed of the draw.
  public var seed: UInt64 = 0

  public static let partRange = 1...1_000_000
  public static let maximumTotal = 1 << 40

  public init() {}

  /// Everything wrong with it, whatever the head.
  public func problems() -> [SettingsProblem] {
    var found: [SettingsProblem] = []
    func check(_ path: String, _ holds: Bool, _ message: String) {
      if !holds { found.append(SettingsProblem(path: "domain." + path, message: message)) }
    }
    for name in mix.keys.sorted() {
      let part = mix[name] ?? 0
      check("mix", Self.partRange.contains(part), "the part of \(name) is a whole number from 1 to 1000000")
    }
    check("keep", keep.isEmpty || mix.isEmpty, "give either keep or mix")
    check("ambiguous", !keepsAmbiguous || mix.isEmpty, "a mixture has no ambiguous samples")
    check("total", total == nil || !mix.isEmpty, "belongs to mix: parts of which classes?")
    if let total {
      check("total", (1...Self.maximumTotal).contains(total), "must be from 1 to \(Self.maximumTotal)")
    }
    return found
  }
}

/// What became of one class; the last line stands for ambiguous samples.
public struct DomainCount: Sendable, Equatable, Codable {
  public var name: String
  /// Samples that reach the stage.
  public var samples: Int
  public var kept: Int
  /// A sample of the class is kept iff its random rank is at most this; nil keeps none.
  public var cut: UInt64?

  public init(name: String, samples: Int, kept: Int, cut: UInt64?) {
    (self.name, self.samples, self.kept, self.cut) = (name, samples, kept, cut)
  }
}

/// What the domain stage decided.
public struct DomainDecision: Sendable {
  /// The drops before, and ``Reason/domain`` for what this stage drops, `(n,)`.
  public var drops: [Reason]
  /// By class of the head, then ambiguous.
  public var counts: [DomainCount]
}

/// Decides rows by their classes.
///
/// A mixture of total N gives class j the number of seats that parts p_j win of N under Sainte-Laguë: one seat after
/// the other goes to the class with the largest p_j/(2s_j + 1), s_j seats won so far, the first of the head on a tie.
/// Within a class the rows with the smallest random ranks stay (rule 5's generator at (seed, key), e = 2⁶⁴ − 1; ties
/// by key, shard and row). Both only grow with N, so a larger total holds the smaller one.
///
/// - Parameters:
///   - classes: of each row, −1 for none, as ``DomainHead/classify(_:)`` gives them.
///   - drops: earlier drops, whose rows do not reach this stage; nil: none.
///   - keys: needed for a mixture alone.
/// - Throws: ``DomainError`` for a class that the head does not have, and one with too few rows for the mixture.
public func decideDomains(
  _ classes: [Int32], _ rule: DomainRule, head: DomainHead, drops: [Reason]?, keys: KeyColumn?,
  origin: RowOrigin?
) throws(DomainError) -> DomainDecision {
  var decision = DomainDecision(
    drops: drops ?? [Reason](repeating: .kept, count: classes.count),
    counts: (head.classes + [DomainHead.ambiguous]).map {
      DomainCount(name: $0, samples: 0, kept: 0, cut: nil)
    })
  let last = head.classes.count
  func line(_ row: Int) -> Int { classes[row] < 0 ? last : Int(classes[row]) }
  for row in classes.indices where decision.drops[row] == .kept { decision.counts[line(row)].samples += 1 }
  if rule.mix.isEmpty {
    for j in try rule.keptClasses(head) { decision.counts[j].cut = .max }
    if rule.keepsAmbiguous { decision.counts[last].cut = .max }
    for row in classes.indices where decision.drops[row] == .kept {
      let line = line(row)
      if decision.counts[line].cut == nil {
        decision.drops[row] = .domain
      } else {
        decision.counts[line].kept += 1
      }
    }
    return decision
  }
  guard let keys else { preconditionFailure("a mixture is drawn by keys") }
  let mixture = try DomainMixture(rule.mix, head, samples: decision.counts.map(\.samples))
  let seats = try mixture.seats(total: rule.total)
  var members = [[Int32]](repeating: [], count: last)
  for row in keys.canonicalOrder(origin) where decision.drops[Int(row)] == .kept {
    if classes[Int(row)] >= 0 { members[line(Int(row))].append(row) }
    decision.drops[Int(row)] = .domain
  }
  for j in 0..<last where seats[j] > 0 {
    let ranks = members[j].map { Ranking.randomValue(seed: rule.seed, keyHash: keys.hashes[Int($0)]) }
    let kept = TopK.smallest(seats[j], of: ranks)
    for position in kept { decision.drops[Int(members[j][Int(position)])] = .kept }
    decision.counts[j].kept = kept.count
    // A class that is kept whole is kept whole in streams.
    decision.counts[j].cut = kept.count == members[j].count ? .max : kept.last.map { ranks[Int($0)] }
  }
  return decision
}

extension DomainRule {
  /// The numbers of the classes that stay whole.
  func keptClasses(_ head: DomainHead) throws(DomainError) -> [Int] {
    if keep.isEmpty { return [0] }
    var found: [Int] = []
    for name in keep { found.append(try head.index(of: name)) }
    return found
  }
}
