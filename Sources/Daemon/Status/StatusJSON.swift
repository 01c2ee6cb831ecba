import Foundation

/// A status as JSON, as `/status` and `tamis status --json` give it.
public enum StatusJSON {
  /// One line, keys sorted.
  public static func line(_ status: DaemonStatus) -> String {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    encoder.nonConformingFloatEncodingStrategy = .convertToString(
      positiveInfinity: "inf", negativeInfinity: "-inf", nan: "nan")
    guard let data = try? encoder.encode(status) else { return "{}" }
    return String(decoding: data, as: UTF8.self)
  }

  public static func status(_ json: [UInt8]) throws -> DaemonStatus {
    let decoder = JSONDecoder()
    decoder.nonConformingFloatDecodingStrategy = .convertFromString(
      positiveInfinity: "inf", negativeInfinity: "-inf", nan: "nan")
    return try decoder.decode(DaemonStatus.self, from: Data(json))
  }
}
