import Foundation
import Shards
import TestSupport
import Testing

/// What reading a shard to its end gave.
struct ReadResult {
  var samples: [Sample] = []
  var summary = ShardSummary()
  /// What stopped the reading, if anything did.
  var fault: ShardFault?

  /// The reject codes of the samples, nil for good ones.
  var codes: [ShardFault.Code?] { samples.map { $0.fault?.code } }
  var keys: [String] { samples.map { String(decoding: $0.key, as: UTF8.self) } }

  /// The bytes of a field of a sample, as text.
  func text(_ index: Int, _ field: String) -> String? {
    samples[index].field([field]).map { String(decoding: samples[index].bytes[$0.range], as: UTF8.self) }
  }
}

func readShard(
  _ bytes: [UInt8], limits: ShardLimits = ShardLimits(), prefix: String = ""
) throws -> ReadResult {
  let own = try TemporaryDirectory()
  let path = try own.write(bytes)
  var result = ReadResult()
  do {
    var reader = try ShardReader(
      File(path: path, .read), limits: limits, hashing: true, keyPrefix: Array(prefix.utf8))
    while let sample = try reader.next() { result.samples.append(sample) }
    result.summary = reader.summary
  } catch let fault as ShardFault { result.fault = fault }
  return result
}

/// Reads as an ingest does: scans and starts over when a key comes again.
func readShard(_ bytes: [UInt8], rules: ShardRules) throws -> ReadResult {
  let own = try TemporaryDirectory()
  let path = try own.write(bytes)
  do { return try readOnce(path, rules, .report) } catch is RepeatedKey {
    let conflicts = try KeyConflicts(scanning: try File.regular(path), rules)
    return try readOnce(path, rules, .known(conflicts))
  }
}

private func readOnce(_ path: String, _ rules: ShardRules, _ repeats: RepeatedKeys) throws -> ReadResult {
  var result = ReadResult()
  do {
    var reader = try ShardReader(try File.regular(path), rules, repeats: repeats, hashing: true)
    while let sample = try reader.next() { result.samples.append(sample) }
    result.summary = reader.summary
  } catch let fault as ShardFault { result.fault = fault }
  return result
}

/// Default rules with changes.
func rules(_ change: (inout ShardRules) -> Void) -> ShardRules {
  var rules = ShardRules()
  change(&rules)
  return rules
}

/// Runs a program of the system on a file, for forms we cannot write ourselves.
func output(of program: String, _ arguments: [String], on bytes: [UInt8]) throws -> [UInt8] {
  let directory = try TemporaryDirectory()
  let (input, output) = (try directory.write(bytes, as: "in"), try directory.write([], as: "out"))
  let process = Process()
  process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
  process.arguments = [program] + arguments
  process.standardInput = FileHandle(forReadingAtPath: input)
  process.standardOutput = FileHandle(forWritingAtPath: output)
  try process.run()
  process.waitUntilExit()
  #expect(process.terminationStatus == 0)
  return try contents(of: output)
}

/// Decompresses with `PlainTarCopy`; what was written, and what stopped it.
func plainCopy(_ bytes: [UInt8]) throws -> (bytes: [UInt8], fault: ShardFault?) {
  let directory = try TemporaryDirectory()
  let input = try directory.write(bytes, as: "in")
  var fault: ShardFault?
  do {
    try PlainTarCopy.run(
      from: File(path: input, .read), to: File(path: directory.file("out"), .create))
  } catch let thrown as ShardFault { fault = thrown }
  return (try contents(of: directory.file("out")), fault)
}

/// Joins shards with `TarJoin`; what was written, and what stopped it.
func joined(
  _ shards: [[UInt8]], ignoringZeros: Bool = false
) throws -> (bytes: [UInt8], fault: ShardFault?) {
  let directory = try TemporaryDirectory()
  var fault: ShardFault?
  var join = TarJoin(try File(path: directory.file("out"), .create))
  for (index, bytes) in shards.enumerated() where fault == nil {
    let input = try directory.write(bytes, as: "in\(index)")
    do { try join.add(try File(path: input, .read), ignoringZeros: ignoringZeros) } catch let thrown
      as ShardFault
    {
      fault = thrown
    }
  }
  try join.finish(complete: fault == nil)
  return (try contents(of: directory.file("out")), fault)
}

/// One zstd frame.
func zstd(_ bytes: [UInt8]) throws -> [UInt8] {
  var output: [UInt8] = []
  try ZstdCompressor(level: 3).write(bytes[...], end: true) { output += $0 }
  return output
}

/// Puts tars together by hand, hostile ones too.
struct TarBuilder {
  var bytes: [UInt8] = []

  /// A header block. `size` stands in the header as given; the checksum is right unless `edit` breaks it later.
  static func header(
    _ name: [UInt8], size: [UInt8], type: Character = "0", magic: String = "ustar\u{0}00",
    edit: (inout [UInt8]) -> Void = { _ in }
  ) -> [UInt8] {
    var block = [UInt8](repeating: 0, count: 512)
    func put(_ text: [UInt8], _ start: Int) {
      block.replaceSubrange(start..<(start + text.count), with: text)
    }
    put(Array(name.prefix(100)), 0)
    put(Array("0000644".utf8), 100)
    put(size, 124)
    put(Array(String(type).utf8), 156)
    if type == "\u{0}" { block[156] = 0 }
    put(Array(magic.utf8), 257)
    edit(&block)
    put([UInt8](repeating: 32, count: 8), 148)
    let sum = String(block.reduce(0) { $0 + Int($1) }, radix: 8)
    put(Array((String(repeating: "0", count: 6 - sum.count) + sum).utf8) + [0, 32], 148)
    return block
  }

  static func octal(_ size: Int) -> [UInt8] {
    let digits = String(size, radix: 8)
    return Array((String(repeating: "0", count: 11 - digits.count) + digits).utf8)
  }

  mutating func raw(_ block: [UInt8], data: [UInt8] = []) {
    bytes += block + data + [UInt8](repeating: 0, count: (512 - data.count % 512) % 512)
  }

  mutating func add(
    _ name: String, _ text: String = "x", type: Character = "0", magic: String = "ustar\u{0}00",
    edit: (inout [UInt8]) -> Void = { _ in }
  ) {
    let data = Array(text.utf8)
    raw(
      Self.header(Array(name.utf8), size: Self.octal(data.count), type: type, magic: magic, edit: edit),
      data: data)
  }

  /// A PAX header with these records.
  mutating func pax(_ records: [(String, String)], type: Character = "x") {
    var text = ""
    for (key, value) in records {
      let body = " \(key)=\(value)\n"
      var length = body.utf8.count + 1
      while String(length).utf8.count + body.utf8.count != length { length += 1 }
      text += "\(length)\(body)"
    }
    add("./PaxHeaders/x", text, type: type)
  }

  /// The tar with its end marker.
  func ended() -> [UInt8] { bytes + [UInt8](repeating: 0, count: 1024) }
}

/// A tar of these members, ended.
func tar(_ names: String...) -> [UInt8] {
  var builder = TarBuilder()
  for name in names { builder.add(name, name) }
  return builder.ended()
}

/// Three samples with their fields, ended; small enough to cut everywhere.
let smallShard: [UInt8] = {
  var builder = TarBuilder()
  for index in 0..<3 {
    builder.add("0000\(index).jpg", String(repeating: "j", count: 700 + index))
    builder.add("0000\(index).txt", "caption \(index)")
  }
  return builder.ended()
}()
