/// What `prune` does; a stage that is nil does not run. The defaults are the contract's.
public struct PruneSettings: Sendable, Equatable {
  /// How rows are ordered inside a cluster.
  public enum Rule: String, Sendable, CaseIterable {
    /// Farthest from the centroid first.
    case hard
    /// Nearest to the centroid first.
    case easy
    /// By keyed hash.
    case random
    /// Highest image-text score first, NaN last (near-duplicates only).
    case score
  }

  /// Near-duplicates (SemDeDup, Abbas et al. 2023).
  public struct Dedup: Sendable, Equatable {
    public enum Limit: Sendable, Equatable {
      /// Drops rows with a duplicate similarity above 1 − ε, 0 ≤ ε ≤ 1.
      case epsilon(Double)
      /// Keeps the `Int(f·n)` rows with the smallest duplicate similarity, 0 ≤ f ≤ 1.
      case keep(Double)
    }
    public var limit = Limit.epsilon(0.07)
    /// Clusters within which rows are compared; nil is max(1, ⌊n/8800⌋).
    public var clusters: Int?
    public var rule = Rule.hard

    public init() {}
  }

  /// Image-text score.
  public enum Score: Sendable, Equatable {
    /// Keeps the `Int(f·n)` highest scores.
    case keep(Double)
    /// Keeps scores of at least this.
    case minimum(Double)
    /// DataComp's rule: the threshold is the (`Int(f·n)` + 1)-th highest score, and all scores that reach it
    /// are kept, one more than asked for or several.
    case dataComp(Double)
  }

  /// Similarity to reference images (Mayilvahanan et al. 2023).
  public enum Reference: Sendable, Equatable {
    /// Drops the rows nearest to the references: keeps the `Int(f·n)` lowest similarities.
    case near(keep: Double)
    /// Keeps the `Int(f·n)` highest similarities.
    case far(keep: Double)
    /// Drops a row whose similarity with any reference i is above that reference's gap i.
    case gap
  }

  /// Concept quotas (density-based pruning, Abbas et al. 2024).
  public struct Concepts: Sendable, Equatable {
    public enum Limit: Sendable, Equatable {
      /// Keeps `Int(f·n)` of the n rows that reach the stage.
      case keep(Double)
      /// Keeps this many.
      case count(Int)
    }
    public var limit = Limit.keep(0.4)
    /// What a concept's part of the total follows.
    public enum QuotaRule: String, Sendable, CaseIterable {
      /// Its complexity: more of what is diverse and lies apart (density-based pruning).
      case complexity
      /// The same for all (self-supervised prototypes, Sorscher et al. 2022).
      case uniform
      /// Its number of rows.
      case size
    }
    public var quotas = QuotaRule.complexity
    /// As the published script does where it differs (docs/pruning.md).
    public var official = false
    /// Temperature and balance that the published script takes when none is given.
    public static let officialTemperature = 0.5
    public static let officialBalance = 0.5
    /// Clusters; nil is min(⌊√n⌋, 100), 500 from 150 million rows.
    public var clusters: Int?
    /// Nearest other centroids in the distance between clusters; clamped to the non-empty others.
    public var neighbours = 20
    /// Temperature τ of the softmax over complexities.
    public var temperature = 0.1
    /// Least share of an even split that each cluster keeps, 0 ≤ r ≤ 1; 0 keeps at least one row.
    public var balance = 0.0
    public var rule = Rule.hard
    /// Asking for more rows than there are: keep all with a notice instead of failing.
    public var clampsTotal = false

    public init() {}
  }

  public var dedup: Dedup?
  public var score: Score?
  public var reference: Reference?
  public var concepts: Concepts?
  /// Rounds of k-means.
  public var iterations = 100
  public var seed: UInt64 = 0
  /// Rows that are not of unit length are an error instead of being normalised.
  public var strictNorms = false
  /// Threads; they do not change the result.
  public var threads = 1

  public init() {}
}

/// One thing wrong with the settings.
public struct SettingsProblem: Sendable, Equatable {
  /// Key path, such as `concepts.temperature`.
  public var path: String
  public var message: String
}

extension PruneSettings {
  /// Everything wrong with the settings, in the order of their fields.
  public func problems() -> [SettingsProblem] {
    var found: [SettingsProblem] = []
    func check(_ path: String, _ holds: Bool, _ message: String) {
      if !holds { found.append(SettingsProblem(path: path, message: message)) }
    }
    func fraction(_ path: String, _ value: Double) {
      check(path, value >= 0 && value <= 1, "must lie in 0...1, is \(value)")
    }
    if let dedup {
      switch dedup.limit {
      case .epsilon(let value): fraction("dedup.epsilon", value)
      case .keep(let value): fraction("dedup.keep", value)
      }
      if let k = dedup.clusters { check("dedup.clusters", k >= 1, "must be at least 1, is \(k)") }
    }
    switch score {
    case .keep(let value), .dataComp(let value): fraction("score.keep", value)
    case .minimum(let value): check("score.min", !value.isNaN, "must be a number")
    case nil: break
    }
    switch reference {
    case .near(let keep), .far(let keep): fraction("reference.keep", keep)
    case .gap, nil: break
    }
    if let concepts {
      switch concepts.limit {
      case .keep(let value): fraction("concepts.keep", value)
      case .count(let n): check("concepts.keep_count", n >= 0, "must not be negative, is \(n)")
      }
      if let k = concepts.clusters { check("concepts.clusters", k >= 1, "must be at least 1, is \(k)") }
      let (l, tau) = (concepts.neighbours, concepts.temperature)
      check("concepts.neighbours", l >= 1, "must be at least 1, is \(l)")
      check("concepts.temperature", tau > 0 && !tau.isNaN, "must be above 0, is \(tau)")
      fraction("concepts.balance", concepts.balance)
      check("concepts.rule", concepts.rule != .score, "must be hard, easy or random")
    }
    check("iterations", iterations >= 0, "must not be negative, is \(iterations)")
    check("threads", threads >= 1, "must be at least 1, is \(threads)")
    return found
  }
}
