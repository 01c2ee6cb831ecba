/// What pruning is at, for people who wait.
public enum PruneStep: String, Sendable, CaseIterable {
  case checking = "checking the rows"
  case dedupClustering = "near-duplicates: clustering"
  case dedupAssigning = "near-duplicates: assigning"
  case dedupComparing = "near-duplicates: comparing"
  case scoring = "scores"
  case referring = "reference similarity"
  case conceptClustering = "concepts: clustering"
  case conceptAssigning = "concepts: assigning"
}
