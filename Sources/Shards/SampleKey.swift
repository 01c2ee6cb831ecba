/// How a member name falls into key and field, and which keys may be published as they are.
public enum SampleKey {
  /// Longest published key in bytes: with its field it must fit the 100-byte name of a USTAR header.
  public static let maximumPublishedBytes = 90

  /// Splits a member name as WebDataset's expression `^((?:.*/|)[^.]+)[.]([^/]*)$` does: the key is the path up to
  /// the first dot of the last component, the field all after it. Nil where the expression does not match
  /// (`noext`, `.hidden`), and such members belong to no sample.
  public static func split(_ name: ArraySlice<UInt8>) -> (key: ArraySlice<UInt8>, field: ArraySlice<UInt8>)? {
    let slash = UInt8(ascii: "/")
    let dot = UInt8(ascii: ".")
    let base = name.lastIndex(of: slash).map { $0 + 1 } ?? name.startIndex
    guard let first = name[base...].firstIndex(of: dot) else { return nil }
    if first == base {
      // A dot file: the expression still matches when the directory above holds no dot; the key is then `dir/`.
      let above = name[..<base].dropLast()
      let component = above.lastIndex(of: slash).map { above[($0 + 1)...] } ?? above
      guard base > name.startIndex, !component.contains(dot) else { return nil }
    }
    return (name[..<first], name[(first + 1)...])
  }

  /// The field as it is published, lower case, when it is made of up to 98 bytes of `[A-Za-z0-9._-]` and is not one of
  /// the names that readers give samples themselves (`__key__`); nil for any other.
  static func plainField(_ field: ArraySlice<UInt8>) -> String? {
    let slash = UInt8(ascii: "/")
    let isPlain = field.allSatisfy { ($0 != slash && isSafe($0)) || $0 == UInt8(ascii: ".") }
    guard isPlain, (1...98).contains(field.count), !isMetadata(field) else { return nil }
    return String(decoding: field, as: UTF8.self).lowercased()
  }

  /// The field as it is published: the plain one, or else its first bytes with unsafe ones replaced by `_`, `-` and
  /// 12 hex digits of `digest(field)`: a sample is not lost for a stray name, and nothing of it silently.
  public static func safeField(_ field: ArraySlice<UInt8>, digest: (ArraySlice<UInt8>) -> String) -> String {
    if let plain = plainField(field) { return plain }
    var stem = field.prefix(24).map { byte in
      (isSafe(byte) && byte != UInt8(ascii: "/")) || byte == UInt8(ascii: ".") ? byte : UInt8(ascii: "_")
    }
    if stem.isEmpty { stem = [UInt8(ascii: "_")] }
    return String(decoding: stem, as: UTF8.self).lowercased() + "-" + digest(field).prefix(12)
  }

  /// The key of the `occurrence`-th part of a key (2, 3, …) under ``DuplicatePolicy/rename``: the key, cut to fit,
  /// `-` and the first 12 hex digits of the SHA-256 of the key, a NUL and the occurrence in decimal.
  public static func renamed(_ key: [UInt8], occurrence: Int) -> [UInt8] {
    var stem = Array(key.prefix(maximumPublishedBytes - 13))
    while stem.last == UInt8(ascii: "/") { stem.removeLast() }
    let digest = sha256(key + [0] + Array("\(occurrence)".utf8))
    return stem + Array("-\(digest.prefix(12))".utf8)
  }

  /// True for names that WebDataset's readers pass over: `__meta__/x`, `__x__`.
  public static func isMetadata(_ name: ArraySlice<UInt8>) -> Bool {
    let component = name.prefix { $0 != UInt8(ascii: "/") }
    guard component.count >= 4 else { return false }
    let underscore = UInt8(ascii: "_")
    return component.prefix(2).allSatisfy { $0 == underscore }
      && component.suffix(2).allSatisfy { $0 == underscore }
  }

  /// Why a member name is hostile, or nil: `..` components, absolute paths, control bytes, backslashes, invalid
  /// UTF-8.
  public static func hostility(of name: ArraySlice<UInt8>) -> String? {
    if name.first == UInt8(ascii: "/") { return "absolute path" }
    if name.contains(where: { $0 < 0x20 || $0 == 0x7f }) { return "control character in the name" }
    if name.contains(UInt8(ascii: "\\")) { return "backslash in the name" }
    let dots = [UInt8(ascii: "."), UInt8(ascii: ".")]
    if name.split(separator: UInt8(ascii: "/")).contains(where: { $0.elementsEqual(dots) }) {
      return "'..' in the path"
    }
    if name.contains(where: { $0 >= 0x80 }), String(validating: name, as: UTF8.self) == nil {
      return "the name is not UTF-8"
    }
    return nil
  }

  /// The key a sample is published under: the key itself when it is made of `[A-Za-z0-9_/-]` only, starts and ends
  /// with neither `/` nor nothing, has at most 90 bytes, and no part of its path begins with `__`, which readers take for
  /// metadata; otherwise a safe one.
  ///
  /// A leading `./` is dropped. Any other change replaces unsafe bytes by `_`, cuts, and appends `-` and 12 hex
  /// digits of `digest(key)`, so that different keys stay different.
  public static func safe(_ key: ArraySlice<UInt8>, digest: (ArraySlice<UInt8>) -> String) -> [UInt8] {
    var rest = key
    while rest.starts(with: [UInt8(ascii: "."), UInt8(ascii: "/")]) { rest = rest.dropFirst(2) }
    if isPublishable(rest) { return Array(rest) }
    let suffix = "-" + digest(key).prefix(12)
    var stem: [UInt8] = []
    for byte in rest {
      let safe = isSafe(byte) ? byte : UInt8(ascii: "_")
      // One `_` at the start of a part, no more.
      let isSecond =
        stem.last == UInt8(ascii: "_") && [nil, UInt8(ascii: "/")].contains(stem.dropLast().last)
      if safe != UInt8(ascii: "_") || !isSecond { stem.append(safe) }
    }
    stem = Array(stem.drop { $0 == UInt8(ascii: "/") }.prefix(maximumPublishedBytes - suffix.utf8.count))
    while stem.last == UInt8(ascii: "/") { stem.removeLast() }
    return (stem.isEmpty ? [UInt8(ascii: "_")] : stem) + Array(suffix.utf8)
  }

  private static func isPublishable(_ key: ArraySlice<UInt8>) -> Bool {
    let slash = UInt8(ascii: "/")
    return !key.isEmpty && key.count <= maximumPublishedBytes && key.first != slash && key.last != slash
      && key.allSatisfy(isSafe)
      && !key.split(separator: slash).contains { $0.starts(with: [UInt8(ascii: "_"), UInt8(ascii: "_")]) }
  }

  private static func isSafe(_ byte: UInt8) -> Bool {
    switch byte {
    case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
      UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"), UInt8(ascii: "-"), UInt8(ascii: "/"):
      true
    default: false
    }
  }
}
