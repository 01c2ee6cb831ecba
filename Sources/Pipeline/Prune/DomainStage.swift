import Prune
import Shards

/// The domain stage: a head gives each row a class, a rule says which classes stay. Memory is a block of rows, and
/// five bytes a row.
enum DomainStage {
  /// What was decided, and by what.
  struct Result {
    var decision: DomainDecision
    var head: DomainHead
    var rule: DomainRule

    /// One line for people.
    var notice: String {
      let parts = decision.counts.map { "\($0.kept) of \($0.samples) \($0.name)" }
      return "domain keeps " + parts.joined(separator: ", ")
    }
  }

  /// Decides arrays.
  static func run(
    _ rule: DomainRule, head path: String, _ source: EmbeddingSource, name: String, drops: [Reason]?,
    keys: KeyColumn, threads: Int
  ) throws -> Result {
    try run(
      rule, head: DomainHeadFile.read(path), path, DomainBlocks(source, name: name), drops: drops, keys: keys,
      origin: nil, threads: threads)
  }

  /// Decides the samples of a workspace.
  static func run(
    _ domain: Recipe.Domain, _ shards: [IngestedShard], _ workspace: borrowing Workspace, drops: [Reason]?,
    threads: Int
  ) throws -> Result {
    let filled = shards.filter { $0.manifest.accepted > 0 }
    try PruneStage.checkEmbedded(filled)
    let samples = domain.rule.mix.isEmpty ? nil : try PackedKeys.read(shards, workspace)
    return try run(
      domain.rule, head: DomainHeadFile.read(domain.head), domain.head,
      DomainBlocks(shards: filled, workspace),
      drops: drops, keys: samples?.keys, origin: samples?.origin, threads: threads)
  }

  private static func run(
    _ rule: DomainRule, head: DomainHead, _ path: String, _ blocks: DomainBlocks, drops: [Reason]?,
    keys: KeyColumn?, origin: RowOrigin?, threads: Int
  ) throws -> Result {
    guard head.dimension == blocks.dimension else {
      throw PipelineError(
        .usage,
        "\(path): a head for rows of \(head.dimension) values, the embeddings have \(blocks.dimension)")
    }
    let classes = try blocks.reduce({ [Int32]() }) { classes, _, rows in
      classes += head.classify(head.probabilities(rows, threads: threads))
    }
    do throws(DomainError) {
      let decision = try decideDomains(
        classes, rule, head: head, drops: drops, keys: keys, origin: origin)
      return Result(decision: decision, head: head, rule: rule)
    } catch {
      throw PipelineError(.usage, "domain: \(error.description)")
    }
  }
}
