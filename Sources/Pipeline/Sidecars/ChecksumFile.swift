/// `SHA256SUMS`: a line `hash  name` a file, sorted by name, as `sha256sum` writes and checks it.
package enum ChecksumFile {
  /// - Parameter files: path as seen from the file → SHA-256 in lower-case hex.
  package static func bytes(_ files: [String: String]) -> [UInt8] {
    let lines = files.sorted { $0.key.utf8.lexicographicallyPrecedes($1.key.utf8) }.map { name, hash in
      let escaped = escaped(name)
      return (escaped == name ? "" : "\\") + hash + "  " + escaped + "\n"
    }
    return Array(lines.joined().utf8)
  }

  /// The files of such a text; nil if a line is none.
  package static func files(_ bytes: [UInt8]) -> [String: String]? {
    var files: [String: String] = [:]
    for line in bytes.split(separator: UInt8(ascii: "\n")) {
      let isEscaped = line.first == UInt8(ascii: "\\")
      let rest = isEscaped ? line.dropFirst() : line
      let hash = String(decoding: rest.prefix(64), as: UTF8.self)
      guard rest.count > 66, hash.utf8.allSatisfy({ "0123456789abcdef".utf8.contains($0) }),
        rest.dropFirst(64).prefix(2).elementsEqual("  ".utf8)
          || rest.dropFirst(64).prefix(2).elementsEqual(" *".utf8)
      else { return nil }
      let name = String(decoding: rest.dropFirst(66), as: UTF8.self)
      files[isEscaped ? unescaped(name) : name] = hash
    }
    return files
  }

  /// Names are one line each: GNU marks such a line with a backslash in front and escapes what would break it.
  private static func escaped(_ name: String) -> String {
    var text = ""
    for scalar in name.unicodeScalars {
      switch scalar {
      case "\\": text += "\\\\"
      case "\n": text += "\\n"
      case "\r": text += "\\r"
      default: text.unicodeScalars.append(scalar)
      }
    }
    return text
  }

  private static func unescaped(_ name: String) -> String {
    var text = ""
    var rest = name.unicodeScalars[...]
    while let scalar = rest.popFirst() {
      guard scalar == "\\", let next = rest.popFirst() else {
        text.unicodeScalars.append(scalar)
        continue
      }
      text.unicodeScalars.append(next == "n" ? "\n" : next == "r" ? "\r" : next)
    }
    return text
  }
}
