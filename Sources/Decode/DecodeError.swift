/// Why an image or a caption was not decoded: a reject code and a sentence for people.
///
/// Every failure of this module is one of these; none of them depends on time, threads or memory pressure.
public struct DecodeError: Error, Sendable, Equatable {
  /// The reject codes of this module, spelled as in `rejects.jsonl`.
  public enum Code: String, Sendable, CaseIterable {
    /// The bytes carry no magic number of an image.
    case notAnImage = "not_an_image"
    /// An image, but of a format or variant that is not decoded; the message names it.
    case unsupported
    /// More pixels, a longer side or more memory than the limits allow.
    case pixelLimit = "pixel_limit"
    /// More work than the limits allow.
    case costLimit = "cost_limit"
    /// libjpeg repaired something, and the policy is to reject such files.
    case jpegWarning = "jpeg_warning"
    /// The data ends before the image does.
    case truncatedImage = "truncated_image"
    /// The data breaks the rules of its format.
    case corruptImage = "corrupt_image"
    /// The caption is not UTF-8, holds a NUL or is too long.
    case captionNotUTF8 = "caption_not_utf8"
  }

  /// The reject code.
  public let code: Code
  /// What was wrong, in one phrase without the file's name.
  public let message: String

  /// An error with its code and message.
  public init(_ code: Code, _ message: String) {
    self.code = code
    self.message = message
  }
}
