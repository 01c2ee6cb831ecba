public import Prune
import Yams

extension Recipe {
  /// Which domains stay, as a head tells them.
  public struct Domain: Sendable, Equatable, Encodable {
    /// `HEAD.npz`, see ``DomainHeadFile``.
    public var head = ""
    public var rule = DomainRule()

    public func encode(to encoder: any Encoder) throws {
      var values = encoder.container(keyedBy: NameKey.self)
      try values.encode(head, forKey: NameKey("head"))
      if rule.mix.isEmpty {
        if !rule.keep.isEmpty { try values.encode(rule.keep, forKey: NameKey("keep")) }
        try values.encode(rule.keepsAmbiguous ? Ambiguous.keep : .drop, forKey: NameKey("ambiguous"))
      } else {
        var mix = values.nestedContainer(keyedBy: NameKey.self, forKey: NameKey("mix"))
        for name in rule.mix.keys.sorted() { try mix.encode(rule.mix[name], forKey: NameKey(name)) }
        try values.encodeIfPresent(rule.total, forKey: NameKey("total"))
      }
      try values.encode(rule.seed, forKey: NameKey("seed"))
    }

    /// What becomes of samples of no class.
    public enum Ambiguous: String, Sendable, CaseIterable, Encodable { case drop, keep }
  }
}

extension RecipeFile {
  /// `prune.domain`.
  static func readDomain(_ root: inout RecipeSection, _ directory: String) -> Recipe.Domain {
    var section = root.section("domain")
    var domain = Recipe.Domain()
    if !section.has("head") {
      section.report("head", "missing: which HEAD.npz? `tamis domain train` makes one")
    }
    domain.head = resolve(section.string("head", ""), directory)
    domain.rule.keep = section.strings("keep", [])
    domain.rule.keepsAmbiguous = section.choice("ambiguous", Recipe.Domain.Ambiguous.drop) == .keep
    domain.rule.mix = readMix(&section)
    if section.has("total") {
      domain.rule.total = section.integer("total", 1, in: 1...DomainRule.maximumTotal)
    }
    domain.rule.seed = UInt64(section.integer("seed", 0, in: 0...Int.max))
    section.finish()
    for problem in domain.rule.problems() { root.report(problem.path, problem.message) }
    return domain
  }

  private static func readMix(_ section: inout RecipeSection) -> [String: Int] {
    guard let node = section.node("mix") else { return [:] }
    var mix: [String: Int] = [:]
    for (key, value) in node.mapping ?? [:] {
      guard let name = key.string, let part = value.scalar.flatMap({ Int($0.string) }), mix[name] == nil
      else {
        mix = [:]
        break
      }
      mix[name] = part
    }
    if mix.isEmpty { section.report("mix", "expected parts by class, such as { natural: 3, rendition: 1 }") }
    return mix
  }
}
