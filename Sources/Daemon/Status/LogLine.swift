public import Foundation

/// One line of a log: bounded, and never more than one line whatever a message holds.
public enum LogLine {
  /// Bytes of a message or a field; what is longer is cut and ends in `…`.
  public static let longest = 1024

  /// Fields that come first, in this order (spec/ecosystem.md (e) 8).
  private static let order = ["component", "shard", "member", "key", "offset", "code", "dur_ms"]
  private static let numbers: Set = ["offset", "dur_ms", "samples", "bytes", "shards"]

  /// `{"ts": …, "level": …, "msg": …, …}`; `ts` is RFC 3339 in UTC with milliseconds. Empty fields are left out.
  public static func json(level: String, message: String, fields: [String: String], time: Date = Date())
    -> String
  {
    let timestamp = time.formatted(
      .iso8601.year().month().day().timeZone(separator: .omitted).time(includingFractionalSeconds: true)
        .timeSeparator(.colon))
    var line = "{\"ts\":\"\(timestamp)\",\"level\":\(quoted(level)),\"msg\":\(quoted(message))"
    let rest = fields.keys.filter { !order.contains($0) }.sorted()
    for name in order + rest {
      guard let value = fields[name], !value.isEmpty else { continue }
      let isNumber = numbers.contains(name) && Int(value) != nil
      line += ",\(quoted(name)):" + (isNumber ? value : quoted(value))
    }
    return line + "}"
  }

  /// A message without control characters.
  public static func text(_ message: String) -> String {
    var text = ""
    for scalar in cut(message).unicodeScalars {
      if scalar.properties.generalCategory == .control {
        let hex = String(scalar.value, radix: 16)
        text += "\\x" + (hex.count < 2 ? "0" : "") + hex
      } else {
        text.unicodeScalars.append(scalar)
      }
    }
    return text
  }

  /// The priority of syslog(3) for a level of swift-log, as journald takes it from `<N>` before a line.
  public static func priority(level: String) -> Int {
    switch level {
    case "critical": 2
    case "error": 3
    case "warning": 4
    case "notice": 5
    case "info": 6
    default: 7
    }
  }

  /// At most ``longest`` bytes, cut between characters.
  static func cut(_ text: String) -> String {
    guard text.utf8.count > longest else { return text }
    var bytes = 0
    let part = text.unicodeScalars.prefix { scalar in
      bytes += String(scalar).utf8.count
      return bytes <= longest - 3
    }
    return String(part) + "…"
  }

  private static func quoted(_ text: String) -> String {
    let encoder = JSONEncoder()
    encoder.outputFormatting = .withoutEscapingSlashes
    let data = try? encoder.encode(cut(text))
    return data.map { String(decoding: $0, as: UTF8.self) } ?? "\"\""
  }
}
