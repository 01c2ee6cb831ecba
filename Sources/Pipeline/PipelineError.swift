/// A failure that stops a run, with the exit code it stands for.
public struct PipelineError: Error, Sendable, Equatable, CustomStringConvertible {
  public enum Kind: Sendable {
    /// Wrong arguments or recipe: exit 2.
    case usage
    /// No usable data: exit 65.
    case badData
    /// A broken promise of our own: exit 70.
    case internalError
    /// Try again later: exit 75.
    case temporary
  }

  public let kind: Kind
  public let description: String

  public init(_ kind: Kind, _ description: String) {
    self.kind = kind
    self.description = description
  }
}
