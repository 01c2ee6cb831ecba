public import Features
import Yams

extension Recipe {
  /// Component masks (rule 5) and what is made with them.
  public struct Mask: Sendable, Equatable, Encodable {
    /// Share of variance masked, drawn uniformly between the two.
    public var low = 0.1
    public var high = 0.9
    public var rule = ComponentMasker.Rule.closest
    public var mode = ComponentMasker.Mode.random
    public var seed: UInt64 = 0
    public var scope = MaskScope.sample
    /// Samples that share a mask under ``MaskScope/batch``.
    public var batch = 512
    /// What `publish.add: [mask]` stands for.
    public var emit: [Publish.Added] = [.mask]
    public var target = MaskTarget.coefficients
    /// Of coefficients, visible images and targets.
    public var dtype = FieldType.float32

    public init() {}

    enum CodingKeys: String, CodingKey { case ratio, rule, mode, seed, scope, batch, emit, target, dtype }

    public func encode(to encoder: any Encoder) throws {
      var values = encoder.container(keyedBy: CodingKeys.self)
      if low == high {
        try values.encode(low, forKey: .ratio)
      } else {
        try values.encode([low, high], forKey: .ratio)
      }
      try values.encode(rule.rawValue, forKey: .rule)
      try values.encode(mode.rawValue, forKey: .mode)
      try values.encode(seed, forKey: .seed)
      try values.encode(scope, forKey: .scope)
      try values.encode(batch, forKey: .batch)
      try values.encode(emit, forKey: .emit)
      try values.encode(target, forKey: .target)
      try values.encode(dtype, forKey: .dtype)
    }
  }

  /// Who shares a mask.
  public enum MaskScope: String, Sendable, CaseIterable, Encodable {
    /// Nobody: the key of a sample is that of its mask.
    case sample
    /// `batch` samples in a row: the key is `batch:<i>`, i = position div batch.
    case batch
  }

  /// What a trainer is to predict.
  public enum MaskTarget: String, Sendable, CaseIterable, Encodable {
    /// The masked coefficients, (L,), zero elsewhere.
    case coefficients
    /// The masked part of the image, x_M = V_Mᵀ·V_M·z, of the image's shape.
    case pixels
  }

  /// How computed numbers are stored.
  public enum FieldType: String, Sendable, CaseIterable, Encodable {
    case float16
    case float32
  }

  /// Masks of image patches, the baseline beside component masks.
  public struct Patches: Sendable, Equatable, Encodable {
    /// Patches down and across.
    public var rows = 1
    public var columns = 1
    /// Share of patches masked, drawn uniformly between the two.
    public var low = 0.75
    public var high = 0.75
    public var kind = PatchKind.random
    public var seed: UInt64 = 0
    public var scope = MaskScope.sample
    public var batch = 512

    enum CodingKeys: String, CodingKey { case grid, ratio, kind, seed, scope, batch }

    public init() {}

    public func encode(to encoder: any Encoder) throws {
      var values = encoder.container(keyedBy: CodingKeys.self)
      try values.encode([rows, columns], forKey: .grid)
      if low == high {
        try values.encode(low, forKey: .ratio)
      } else {
        try values.encode([low, high], forKey: .ratio)
      }
      try values.encode(kind, forKey: .kind)
      try values.encode(seed, forKey: .seed)
      try values.encode(scope, forKey: .scope)
      try values.encode(batch, forKey: .batch)
    }
  }

  /// Which patches are masked together.
  public enum PatchKind: String, Sendable, CaseIterable, Encodable {
    /// Each on its own, as in MAE: rule 5 with equal ratios.
    case random
    /// Rectangles, see `BlockMasker`.
    case blocks
  }

  /// The computed fields of published samples: `publish.add`, with `mask` replaced by what `mask.emit` lists.
  var addedFields: [Publish.Added] {
    let mask = features.pca?.mask ?? Mask()
    let wanted = Set(publish.add.flatMap { $0 == .mask ? mask.emit : [$0] })
    return Publish.Added.allCases.filter(wanted.contains)
  }
}

extension RecipeFile {
  static func readMask(_ pca: inout RecipeSection, _ mask: inout Recipe.Mask) {
    var section = pca.section("mask")
    readShare(&section, &mask.low, &mask.high)
    mask.rule = section.choice("rule", mask.rule)
    mask.mode = section.choice("mode", mask.mode)
    mask.seed = UInt64(section.integer("seed", 0, in: 0...Int.max))
    mask.scope = section.choice("scope", mask.scope)
    mask.batch = section.integer("batch", mask.batch, in: 1...1_000_000_000)
    mask.target = section.choice("target", mask.target)
    mask.dtype = section.choice("dtype", mask.dtype)
    if section.has("emit") { mask.emit = readAdded(&section, "emit", Recipe.Publish.Added.ofMask) }
    section.finish()
  }

  static func readPatches(_ features: inout RecipeSection) -> Recipe.Patches {
    var section = features.section("patches")
    var patches = Recipe.Patches()
    if let node = section.node("grid") {
      let items = node.sequence.map { Array($0) } ?? [node]
      let sides = items.compactMap { $0.scalar.flatMap { Int($0.string) } }
      if sides.count == items.count, (1...2).contains(sides.count), sides.allSatisfy((1...4000).contains) {
        (patches.rows, patches.columns) = (sides[0], sides.last!)
      } else {
        section.report("grid", "expected a number of patches a side or [rows, columns], 1 to 4000")
      }
    } else {
      section.report("grid", "missing: how many patches a side?")
    }
    readShare(&section, &patches.low, &patches.high)
    patches.kind = section.choice("kind", patches.kind)
    patches.seed = UInt64(section.integer("seed", 0, in: 0...Int.max))
    patches.scope = section.choice("scope", patches.scope)
    patches.batch = section.integer("batch", patches.batch, in: 1...1_000_000_000)
    section.finish()
    return patches
  }

  /// Names of computed fields.
  static func readAdded(
    _ section: inout RecipeSection, _ key: String, _ available: [Recipe.Publish.Added]
  ) -> [Recipe.Publish.Added] {
    let names = available.map(\.rawValue)
    return section.strings(key, []).compactMap { name in
      if let field = Recipe.Publish.Added(rawValue: name), available.contains(field) { return field }
      section.report(
        key,
        "'\(name)' is not available in this version; expected \(names.dropLast().joined(separator: ", ")) "
          + "or \(names.last!)")
      return nil
    }
  }

  private static func readShare(_ section: inout RecipeSection, _ low: inout Double, _ high: inout Double) {
    guard let node = section.node("ratio") else { return }
    let items = node.sequence.map { Array($0) } ?? [node]
    let numbers = items.compactMap { $0.scalar.flatMap { Double($0.string) } }
    if numbers.count == items.count, (1...2).contains(numbers.count), numbers[0] > 0, numbers.last! < 1,
      numbers[0] <= numbers.last!
    {
      (low, high) = (numbers[0], numbers.last!)
    } else {
      section.report("ratio", "expected a number or [low, high] between 0 and 1")
    }
  }
}
