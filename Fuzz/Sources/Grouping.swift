import Shards

/// Target `grouping`: the input describes members one after the other; their tar is built with right checksums, read,
/// and compared with what a plain model of the rules expects.
func fuzzGrouping(_ bytes: [UInt8]) {
  var input = Input(bytes[...])
  var limits = ShardLimits()
  limits.memberBytes = 100
  limits.sampleBytes = 200
  limits.fieldsPerSample = 4
  limits.keyBytes = 120
  limits.extendedHeaderBytes = 2048
  limits.bufferBytes = 1024
  let form = input.byte()
  let prefix = form & 4 != 0 ? Array("p-01/".utf8) : []
  var members: [Member] = []
  while !input.isEmpty, members.count < 60 { members.append(Member(&input, after: members.last)) }
  let tar = members.flatMap(\.blocks) + [UInt8](repeating: 0, count: 1024)
  let stored = form & 3 == 1 ? gzipped(tar) : form & 3 == 2 ? zstdPacked(tar) : tar
  let path = MemoryFile.write(stored)
  var rules = ShardRules()
  rules.limits = limits
  rules.keyPrefix = prefix
  let outcome = ShardOutcome(path: path, rules, .rejectLater)
  if let fault = outcome.fault { fatalError("invariant broken: a sound tar is refused: \(fault.message)") }
  outcome.checkSamples(limits)
  ShardOutcome(path: path, rules, .rejectLater).expectSame(outcome)
  let model = Model(members)
  check(outcome, against: model, limits)
  checkPolicies(path, rules, outcome)
  for field in outcome.samples.lazy.flatMap(\.fields) {
    require(Int(field.dataOffset) + field.range.count <= tar.count, "a field beyond the tar")
  }
}

/// The bytes that describe the members.
private struct Input {
  private var rest: ArraySlice<UInt8>

  init(_ bytes: ArraySlice<UInt8>) { rest = bytes }

  var isEmpty: Bool { rest.isEmpty }

  /// The next byte; 0 after the last.
  mutating func byte() -> UInt8 { rest.popFirst() ?? 0 }

  mutating func bytes(_ count: Int) -> [UInt8] {
    let taken = Array(rest.prefix(count))
    rest = rest.dropFirst(count)
    return taken
  }
}

/// One member of the tar to build.
private struct Member {
  var name: [UInt8]
  var data: [UInt8]
  var flag: UInt8
  var isSparse = false
  /// Where the name stands.
  private var place: UInt8

  private static let keys = [
    "a", "b", "dir/a", "dir.d/a", "./a", "A", "a b", "é", "x/../a", "__meta__/a", "/a", "",
  ]
  private static let fields = [
    "jpg", "txt", "json", "JPG", "seg.png", "", "npy", "a/b", "tar.gz", "cls", "ü",
  ]
  private static let flags: [UInt8] = Array("00000000".utf8) + [0, 0] + Array("7523467SADVMZ".utf8)

  init(_ input: inout Input, after last: Member?) {
    let form = input.byte()
    flag = Self.flags[Int(input.byte()) % Self.flags.count]
    switch form & 3 {
    case 0:
      let key = Self.keys[Int(input.byte()) % Self.keys.count]
      name = Array((key + "." + Self.fields[Int(input.byte()) % Self.fields.count]).utf8)
    case 1:
      let key = last?.name.prefix { $0 != UInt8(ascii: ".") } ?? []
      name = key + Array(("." + Self.fields[Int(input.byte()) % Self.fields.count]).utf8)
    case 2: name = input.bytes(Int(input.byte()) % 40)
    default:
      let part = input.bytes(Int(input.byte()) % 16)
      name = (0...Int(input.byte()) % 24).flatMap { _ in part }
    }
    name = Array(name.prefix { $0 != 0 })
    place = form >> 2 & 3
    // The fields of a header hold 100 bytes, and an empty name would be read from there.
    if name.count > 100 || name.isEmpty { place = 2 | place & 1 }
    data = [UInt8](repeating: form, count: Int(input.byte()) % 121)
    if form & 0x10 != 0 { data = input.bytes(data.count) }
    isSparse = flag == UInt8(ascii: "S") || form & 0xE0 == 0xE0
  }

  /// Whether tar readers take the data of this type of member for granted.
  var hasData: Bool {
    !"123456".utf8.contains(flag) && !(flag == 0 && name.prefix(100).last == UInt8(ascii: "/") && place < 2)
  }

  /// The headers and the data.
  var blocks: [UInt8] {
    var blocks: [UInt8] = []
    if isSparse, flag != UInt8(ascii: "S") { blocks += pax([("GNU.sparse.major", Array("1".utf8))]) }
    switch place {
    case 2: blocks += pax([("path", name)])
    case 3: blocks += header(Array("././@LongLink".utf8), "L", name.count + 1) + padded(name + [0])
    default: break
    }
    let size = hasData ? data.count : 0
    return blocks + header(place < 2 ? name : Array("x".utf8), Unicode.Scalar(flag), size)
      + (hasData ? padded(data) : [])
  }

  private func pax(_ records: [(String, [UInt8])]) -> [UInt8] {
    var text: [UInt8] = []
    for (key, value) in records {
      let body = Array(" \(key)=".utf8) + value + [10]
      var length = body.count + 1
      while String(length).utf8.count + body.count != length { length += 1 }
      text += Array(String(length).utf8) + body
    }
    return header(Array("PaxHeaders/x".utf8), "x", text.count) + padded(text)
  }

  private func padded(_ bytes: [UInt8]) -> [UInt8] {
    bytes + [UInt8](repeating: 0, count: (512 - bytes.count % 512) % 512)
  }

  private func header(_ name: [UInt8], _ flag: Unicode.Scalar, _ size: Int) -> [UInt8] {
    var block = [UInt8](repeating: 0, count: 512)
    block.replaceSubrange(0..<min(name.count, 100), with: name.prefix(100))
    func octal(_ value: Int, _ digits: Int) -> [UInt8] {
      let text = String(value, radix: 8)
      return Array((String(repeating: "0", count: digits - text.utf8.count) + text).utf8)
    }
    block.replaceSubrange(124..<135, with: octal(size, 11))
    block[156] = UInt8(flag.value)
    block.replaceSubrange(257..<265, with: Array("ustar\u{0}00".utf8))
    let sum = block.reduce(8 * 32) { $0 + Int($1) }
    block.replaceSubrange(148..<156, with: octal(sum, 6) + [0, 32])
    return block
  }
}

/// What the rules of keys make of the members, written anew from their text.
private struct Model {
  struct Group {
    var key: [UInt8]
    var members: [(field: [UInt8], member: Member)] = []
  }

  var groups: [Group] = []
  var skipped = 0

  init(_ members: [Member]) {
    for member in members {
      let isFile = member.flag == UInt8(ascii: "0") || member.flag == UInt8(ascii: "7") || member.flag == 0
      let isDirectory = member.flag == UInt8(ascii: "5") || member.flag == 0 && !member.hasData
      if isDirectory { continue }
      guard isFile || member.flag == UInt8(ascii: "S"), !Self.isMetadata(member.name),
        let (key, field) = Self.split(member.name)
      else {
        skipped += 1
        continue
      }
      if groups.last?.key != key { groups.append(Group(key: key)) }
      groups[groups.count - 1].members.append((field, member))
    }
  }

  private static func isMetadata(_ name: [UInt8]) -> Bool {
    let first = name.split(separator: UInt8(ascii: "/"), maxSplits: 1, omittingEmptySubsequences: false)[0]
    let marks = Array("__".utf8)
    return first.count >= 4 && first.starts(with: marks) && first.suffix(2).elementsEqual(marks)
  }

  /// `^((?:.*/|)[^.]+)[.]([^/]*)$`, tried as a backtracking engine would: longest directory first.
  static func split(_ name: [UInt8]) -> (key: [UInt8], field: [UInt8])? {
    let slash = UInt8(ascii: "/")
    let dot = UInt8(ascii: ".")
    let starts = name.indices.filter { name[$0] == slash }.map { $0 + 1 }.reversed() + [0]
    for start in starts {
      guard let first = name[start...].firstIndex(of: dot), first > start else { continue }
      let field = name[(first + 1)...]
      if !field.contains(slash) { return (Array(name[..<first]), Array(field)) }
    }
    return nil
  }
}

/// What the policies of repeated keys owe: one sample a key under `merge`, no key twice, every byte accounted for.
private func checkPolicies(_ path: String, _ rules: ShardRules, _ plain: ShardOutcome) {
  var rules = rules
  let keys = plain.samples.map(\.key)
  let known = ShardOutcome(scanned: path, rules)
  let repeated = Set(Dictionary(grouping: keys, by: { $0 }).filter { $0.value.count > 1 }.keys)
  require(known.samples.map(\.key) == keys, "other samples once the repeated keys are known")
  for sample in known.samples where repeated.contains(sample.key) {
    require(sample.fault != nil, "a part of a repeated key is accepted")
  }
  rules.duplicates = .merge
  let merged = ShardOutcome(scanned: path, rules)
  merged.checkSamples(rules.limits)
  require(Set(merged.samples.map(\.key)) == Set(keys), "merging loses or makes keys")
  require(merged.samples.count == Set(keys).count, "merging gives a key twice")
  require(!merged.samples.contains { $0.fault?.message.contains("no longer there") ?? false }, "left behind")
  rules.duplicates = .rename
  let renamed = ShardOutcome(scanned: path, rules)
  renamed.checkSamples(rules.limits)
  require(renamed.samples.count >= keys.count, "renaming loses samples")
  ShardOutcome(path: path, rules, .rejectLater).expectSame(renamed)
}

private func check(_ outcome: ShardOutcome, against model: Model, _ limits: ShardLimits) {
  require(outcome.summary?.skippedMembers == model.skipped, "other members were skipped")
  require(outcome.samples.count == model.groups.count, "other samples were made")
  var seen: Set<[UInt8]> = []
  for (sample, group) in zip(outcome.samples, model.groups) {
    require(sample.storedKey == group.key, "the key is '\(printable(sample.storedKey))'")
    var reasons: Set<ShardFault.Code> = Set(group.members.flatMap { faults($0, group.key, limits) })
    let names = group.members.map { fieldName($0.field) }
    if Set(names).count < names.count { reasons.insert(.duplicateKey) }
    if names.contains(where: { sample.key.count + 1 + $0.length > 100 }) { reasons.insert(.badName) }
    let isTooMuch =
      group.members.reduce(0) { $0 + $1.member.data.count } > limits.sampleBytes
      || group.members.count > limits.fieldsPerSample
    if isTooMuch { reasons.insert(.memberTooLarge) }
    if !seen.insert(sample.key).inserted { reasons.formUnion([.duplicateKey, .interleavedKey]) }
    if let fault = sample.fault {
      require(reasons.contains(fault.code), "\(fault.code.rawValue) for no reason: \(fault.message)")
    } else {
      require(reasons.isEmpty, "accepted in spite of \(reasons)")
      for (field, name) in zip(sample.fields, names) {
        require(field.isRenamed == !name.isPlain, "a field renamed for no reason, or kept for none")
        require(field.name.utf8.count == name.length, "the field '\(field.name)'")
        require(!name.isPlain || field.name.utf8.elementsEqual(name.bytes), "the field '\(field.name)'")
      }
      for (field, wanted) in zip(sample.fields, group.members) {
        require(sample.bytes[field.range].elementsEqual(wanted.member.data), "other bytes")
      }
    }
  }
}

/// A field as it is published: lower case, or where it cannot be, up to 24 bytes, a dash and 12 hex digits.
private struct FieldName: Hashable {
  /// The published bytes, or those stored of a name that is made anew.
  var bytes: [UInt8]
  var isPlain: Bool
  var length: Int
}

private func fieldName(_ field: [UInt8]) -> FieldName {
  let isWord = field.allSatisfy {
    let letter = Character(Unicode.Scalar($0))
    return "a"..."z" ~= letter || "A"..."Z" ~= letter || "0"..."9" ~= letter || "._-".contains(letter)
  }
  let text = String(decoding: field, as: UTF8.self)
  let isReserved = text.count >= 4 && text.hasPrefix("__") && text.hasSuffix("__")
  if isWord, (1...98).contains(field.count), !isReserved {
    return FieldName(bytes: Array(text.lowercased().utf8), isPlain: true, length: field.count)
  }
  return FieldName(bytes: field, isPlain: false, length: min(max(field.count, 1), 24) + 13)
}

/// Why one member spoils its sample.
private func faults(
  _ part: (field: [UInt8], member: Member), _ key: [UInt8], _ limits: ShardLimits
) -> [ShardFault.Code] {
  var found: [ShardFault.Code] = []
  let name = part.member.name
  let isHostile =
    name.contains { $0 < 32 || $0 == 127 || $0 == UInt8(ascii: "\\") } || name.first == UInt8(ascii: "/")
    || ("/" + String(decoding: name, as: UTF8.self) + "/").contains("/../")
    || !Array(String(decoding: name, as: UTF8.self).utf8).elementsEqual(name)
  if isHostile || key.count > limits.keyBytes {
    found.append(.badName)
  }
  if part.member.isSparse { found.append(.sparseMember) }
  if part.member.data.count > limits.memberBytes { found.append(.memberTooLarge) }
  return found
}
