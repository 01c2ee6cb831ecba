import Yams

/// The recipe as a data card shows it: what decides the samples, without what belongs to one machine.
enum CardRecipe {
  /// Keys whose text is a path; of others, only what looks like one.
  private static let pathKeys: Set<String> = [
    "path", "file", "files", "keys", "uids", "model", "tokenizer", "head", "gap",
  ]
  /// Left out: where things are, what belongs to the machine, and how broken shards were read, which the columns know.
  private static let hidden: Set<String> = [
    "input.path", "input.salvage", "input.ignore_zeros", "publish.path", "limits", "daemon",
  ]

  /// YAML with a line end at its end; paths are cut to their last component.
  static func text(_ recipe: Recipe) throws -> String {
    guard let node = try Yams.compose(yaml: try RecipeFile.text(of: recipe)) else { return "\n" }
    return try Yams.serialize(node: shown(node, at: ""), width: -1, allowUnicode: true)
  }

  private static func shown(_ node: Node, at path: String) -> Node {
    switch node {
    case .mapping(let mapping):
      let pairs = mapping.compactMap { key, value -> (Node, Node)? in
        let name = path.isEmpty ? key.string ?? "" : path + "." + (key.string ?? "")
        return hidden.contains(name) ? nil : (key, shown(value, at: name))
      }
      // Sections stand as in a recipe; below them, the order may be that of a dictionary.
      let sorted = path.isEmpty ? pairs : pairs.sorted { ($0.0.string ?? "") < ($1.0.string ?? "") }
      return .mapping(Node.Mapping(sorted, mapping.tag, mapping.style))
    case .sequence(let sequence):
      return .sequence(Node.Sequence(sequence.map { shown($0, at: path) }, sequence.tag, sequence.style))
    case .scalar(var scalar):
      let key = path.split(separator: ".").last.map(String.init) ?? ""
      let text = scalar.string
      if pathKeys.contains(key) || text.hasPrefix("/") || text.hasPrefix("./") || text.hasPrefix("../") {
        scalar.string = text.split(separator: "/").last.map(String.init) ?? text
      }
      return .scalar(scalar)
    case .alias: return node
    }
  }
}
