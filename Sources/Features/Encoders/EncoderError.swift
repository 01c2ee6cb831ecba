/// Why a model cannot be loaded or run, in words for its user.
public struct EncoderError: Error, Sendable, Equatable, CustomStringConvertible {
  public let description: String

  public init(_ description: String) { self.description = description }
}
