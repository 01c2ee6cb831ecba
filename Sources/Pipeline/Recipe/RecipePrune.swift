public import Prune

extension Recipe {
  /// What is dropped; a stage that is nil does not run. Order: filter → domain → dedup → score → reference → concepts.
  public struct Prune: Sendable, Equatable, Encodable {
    /// Samples for which this is false are dropped.
    public var filter: SampleFilter?
    public var domain: Domain?
    public var dedup: Dedup?
    public var score: Score?
    public var reference: Reference?
    public var concepts: Concepts?

    /// True when a stage runs.
    public var isActive: Bool { filter != nil || needsImages }
    /// True when a stage needs rows of images.
    public var needsImages: Bool {
      domain != nil || dedup != nil || score != nil || reference != nil || concepts != nil
    }
    /// What the filter reads of the samples' JSON; nil if nothing.
    var jsonFields: JSONFields? { filter.flatMap { JSONFields($0.columns) } }
    /// True when a stage needs the score of image and caption.
    public var needsScores: Bool { score != nil || dedup?.rule == .score }
  }

  /// The score of image and caption: the dot product of `joint` and `text` rows; samples without caption are dropped.
  public struct Score: Sendable, Equatable, Encodable {
    /// Fraction kept, the highest scores; nil: `minimum` is given.
    public var keep: Double?
    /// Least score kept.
    public var minimum: Double?
    public var rule = Rule.exact

    public enum Rule: String, Sendable, CaseIterable, Encodable {
      case exact
      /// The threshold is the (n·keep + 1)-th score, ties stay.
      case datacomp
    }

    enum CodingKeys: String, CodingKey {
      case keep, rule
      case minimum = "min"
    }

    var setting: PruneSettings.Score {
      if let minimum { return .minimum(minimum) }
      return rule == .datacomp ? .dataComp(keep ?? 1) : .keep(keep ?? 1)
    }
  }

  /// Near-duplicates: rows more similar than 1 − ε to an earlier row of their cluster are dropped.
  public struct Dedup: Sendable, Equatable, Encodable {
    /// nil with `keep` nil: the encoder's calibrated value.
    public var epsilon: Double?
    /// Fraction kept instead of a radius.
    public var keep: Double?
    /// nil: max(1, ⌊n/8800⌋).
    public var clusters: Int?
    public var rule = PruneSettings.Rule.hard

    enum CodingKeys: String, CodingKey { case epsilon, keep, clusters, rule }

    public func encode(to encoder: any Encoder) throws {
      var values = encoder.container(keyedBy: CodingKeys.self)
      if let keep {
        try values.encode(keep, forKey: .keep)
      } else {
        try values.encodeAuto(epsilon, forKey: .epsilon)
      }
      try values.encodeAuto(clusters, forKey: .clusters)
      try values.encode(rule.rawValue, forKey: .rule)
    }
  }

  /// Similarity to sets of reference embeddings.
  public struct Reference: Sendable, Equatable, Encodable {
    /// Unit rows in the image encoder's space, one file for each set.
    public var files: [String] = []
    /// `gap`: the largest similarity allowed with each row, one vector for each file.
    public var gaps: [String] = []
    public var rule = Rule.near
    /// Fraction kept by `near` and `far`.
    public var keep = 0.9

    public enum Rule: String, Sendable, CaseIterable, Encodable { case near, far, gap }

    enum CodingKeys: String, CodingKey {
      case rule, keep
      case files = "file"
      case gaps = "gap"
    }

    /// Only what the rule reads, so that the recipe written back can be read again.
    public func encode(to encoder: any Encoder) throws {
      var values = encoder.container(keyedBy: CodingKeys.self)
      try values.encode(files, forKey: .files)
      try values.encode(rule, forKey: .rule)
      if rule == .gap {
        try values.encode(gaps, forKey: .gaps)
      } else {
        try values.encode(keep, forKey: .keep)
      }
    }

    var setting: PruneSettings.Reference {
      switch rule {
      case .near: .near(keep: keep)
      case .far: .far(keep: keep)
      case .gap: .gap
      }
    }
  }

  /// Quotas by concept complexity.
  public struct Concepts: Sendable, Equatable, Encodable {
    /// nil: min(⌊√n⌋, 100), 500 from 150 million rows.
    public var clusters: Int?
    public var neighbours = 20
    public var temperature = 0.1
    public var balance = 0.0
    public var keep = 0.4
    public var rule = PruneSettings.Rule.hard
    public var quotas = PruneSettings.Concepts.QuotaRule.complexity
    /// As the published script does; also other defaults of temperature and balance.
    public var official = false

    enum CodingKeys: String, CodingKey {
      case clusters, neighbours, temperature, balance, keep, rule, quotas, official
    }

    public func encode(to encoder: any Encoder) throws {
      var values = encoder.container(keyedBy: CodingKeys.self)
      try values.encodeAuto(clusters, forKey: .clusters)
      try values.encode(neighbours, forKey: .neighbours)
      try values.encode(temperature, forKey: .temperature)
      try values.encode(balance, forKey: .balance)
      try values.encode(keep, forKey: .keep)
      try values.encode(rule.rawValue, forKey: .rule)
      // Only where they change something, so that older verdicts stay current.
      if quotas != .complexity { try values.encode(quotas.rawValue, forKey: .quotas) }
      if official { try values.encode(official, forKey: .official) }
    }

    /// As `prune` takes them.
    var setting: PruneSettings.Concepts {
      var stage = PruneSettings.Concepts()
      stage.limit = .keep(keep)
      stage.clusters = clusters
      stage.neighbours = neighbours
      stage.temperature = temperature
      stage.balance = balance
      stage.rule = rule
      stage.quotas = quotas
      stage.official = official
      return stage
    }
  }
}

extension KeyedEncodingContainer {
  /// A value, or `auto` for nil.
  fileprivate mutating func encodeAuto(_ value: (some Encodable)?, forKey key: Key) throws {
    if let value { try encode(value, forKey: key) } else { try encode("auto", forKey: key) }
  }
}

extension PruneSettings {
  /// The settings of a recipe.
  ///
  /// - Parameter calibratedEpsilon: the image encoder's, for `epsilon: auto`.
  init(_ recipe: Recipe.Prune, calibratedEpsilon: Double, threads: Int) {
    self.init()
    self.threads = threads
    if let dedup = recipe.dedup {
      var stage = Dedup()
      stage.limit = dedup.keep.map { .keep($0) } ?? .epsilon(dedup.epsilon ?? calibratedEpsilon)
      stage.clusters = dedup.clusters
      stage.rule = dedup.rule
      self.dedup = stage
    }
    score = recipe.score?.setting
    reference = recipe.reference?.setting
    concepts = recipe.concepts?.setting
  }
}

extension SampleFilter: Encodable {
  public func encode(to encoder: any Encoder) throws {
    var value = encoder.singleValueContainer()
    try value.encode(text)
  }
}
