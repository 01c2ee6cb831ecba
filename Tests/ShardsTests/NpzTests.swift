import Shards
import TestSupport
import Testing

/// Why an array is refused; nil where it opens and is read to its end.
private func fault(_ path: String, _ name: String? = nil) -> String? {
  do {
    let array = try NpzArray(path: path, name: name)
    _ = try array.allRows()
    return nil
  } catch {
    #expect(error.path.hasPrefix(path))
    #expect(!error.message.contains("\n") && !error.message.isEmpty)
    return error.message
  }
}

@Suite struct NpzTests {
  private static let names = ["f2", "f4", "f8", "f4_big", "f2_fortran", "f4_big_fortran"]
  private let expected = (0..<15).map { Float($0) * 0.5 - 2 }

  private func floats(_ bytes: [UInt8], _ type: NpyType) -> [Float] {
    switch type {
    case .float16: Float16.decode(bytes).map { Float($0) }
    case .float64: Double.decode(bytes).map { Float($0) }
    default: Float.decode(bytes)
    }
  }

  @Test(
    "Every array of numpy's archives reads back: stored, deflated, zip64, sizes behind the data",
    arguments: ["stored.npz", "deflated.npz", "zip64.npz", "streamed.npz"])
  func matrices(archive: String) throws {
    let directory = try TemporaryDirectory()
    for name in Self.names {
      let array = try NpzArray(path: golden(archive), name: name)
      #expect(array.path == golden(archive) + ":" + name)
      #expect(array.header.shape == [5, 3] && array.rowCount == 5)
      #expect(array.isColumnMajor == name.hasSuffix("fortran"))
      let type = array.header.type
      #expect(floats(try array.allRows(), type) == expected)

      try NpzArray(path: golden(archive), name: name + ".npy").unpack(to: directory.file("x.npy"))
      let unpacked = try NpyReader(path: directory.file("x.npy"))
      #expect(unpacked.type == type && !unpacked.header.bigEndian)
      #expect(try unpacked.floats(0..<5) == expected)
    }
  }

  @Test func rowsComeInBlocksOfAnySize() throws {
    for name in ["f2", "f4_big", "f8"] {
      var array = try NpzArray(path: golden("deflated.npz"), name: name)
      var rows: [Float] = []
      while let block = try array.nextRows(atMost: 2 * array.rowBytes + 1) {
        #expect(block.count <= 2 * array.rowBytes)
        rows += floats(block, array.header.type)
      }
      #expect(rows == expected)
      #expect(try array.nextRows() == nil)
      var single = try NpzArray(path: golden("deflated.npz"), name: name)
      #expect(try single.nextRows(atMost: 1)?.count == single.rowBytes)
    }
  }

  @Test func arraysLargerThanTheBuffers() throws {
    var array = try NpzArray(path: golden("deflated.npz"), name: "long")
    #expect(array.header.shape == [100_000, 4])
    var next = 0
    while let block = try array.nextRows(atMost: 100_000) {
      let values = Float.decode(block)
      #expect(values.enumerated().allSatisfy { $0.element == Float((next + $0.offset) % 251) })
      next += values.count
    }
    #expect(next == 400_000)
    let empty = try NpzArray(path: golden("deflated.npz"), name: "empty")
    #expect(empty.header.shape == [0, 3])
    #expect(try empty.allRows().isEmpty)
  }

  @Test func namesAreGivenOrNotNeeded() throws {
    #expect(try NpzArray.names(in: golden("stored.npz")) == Self.names)
    #expect(try NpzArray.names(in: golden("one.npz")) == ["rows"])
    let one = try NpzArray(path: golden("one.npz"), name: nil)
    #expect(one.path == golden("one.npz") + ":rows")
    #expect(floats(try one.allRows(), .float32) == expected)
    let all = "it holds f2, f4, f8, f4_big, f2_fortran, f4_big_fortran"
    #expect(fault(golden("stored.npz")) == "which array? \(all); add :NAME")
    #expect(fault(golden("stored.npz"), "b32_img") == "no array 'b32_img': \(all)")
    #expect(fault(golden("one.npz"), "readme.txt") == "no array 'readme.txt': it holds rows")
    #expect(try NpzArray.isArchive(golden("one.npz")) && !NpzArray.isArchive(golden("f4.npy")))
    #expect(fault(golden("f4.npy")) == "no zip directory: truncated, or not a zip file")
    #expect(fault(golden("none.npz")) == "open: No such file or directory")
  }
}

/// A zip file of one or two members, written by hand, so that any field can be wrong.
private struct ZipBytes {
  struct Member {
    var name = "a.npy"
    var data: [UInt8] = []
    var method = 0
    var flags = 0
    var crc: UInt32?
    var size: Int?
    var stored: Int?
    var localName: String?
    var localMethod: Int?
    /// Where the directory says it begins.
    var offset: Int?
  }

  var members: [Member]
  var entries: Int?
  var disks = 0
  var directoryOffset: Int?
  var comment = ""

  static func number(_ value: Int, _ bytes: Int) -> [UInt8] {
    (0..<bytes).map { UInt8(truncatingIfNeeded: value >> (8 * $0)) }
  }

  /// The CRC-32 of zip, bit by bit.
  static func crc(_ bytes: [UInt8]) -> UInt32 {
    ~bytes.reduce(UInt32.max) { sum, byte in
      (0..<8).reduce(sum ^ UInt32(byte)) { value, _ in value >> 1 ^ (value & 1 == 1 ? 0xEDB8_8320 : 0) }
    }
  }

  var bytes: [UInt8] {
    var file: [UInt8] = []
    var directory: [UInt8] = []
    for member in members {
      let crc = Self.number(Int(member.crc ?? Self.crc(member.data)), 4)
      let sizes =
        Self.number(member.stored ?? member.data.count, 4) + Self.number(member.size ?? member.data.count, 4)
      let name = Array((member.localName ?? member.name).utf8)
      let start = file.count
      file += Self.number(0x0403_4b50, 4) + [20, 0] + Self.number(member.flags, 2)
      file += Self.number(member.localMethod ?? member.method, 2) + [0, 0, 0, 0] + crc + sizes
      file += Self.number(name.count, 2) + [0, 0] + name + member.data
      directory += Self.number(0x0201_4b50, 4) + [20, 0, 20, 0] + Self.number(member.flags, 2)
      directory += Self.number(member.method, 2) + [0, 0, 0, 0] + crc + sizes
      directory += Self.number(member.name.utf8.count, 2) + [UInt8](repeating: 0, count: 12)
      directory += Self.number(member.offset ?? start, 4) + Array(member.name.utf8)
    }
    let count = Self.number(entries ?? members.count, 2)
    let end =
      Self.number(0x0605_4b50, 4) + Self.number(disks, 2) + [0, 0] + count + count
      + Self.number(directory.count, 4) + Self.number(directoryOffset ?? file.count, 4)
    return file + directory + end + Self.number(comment.utf8.count, 2) + Array(comment.utf8)
  }
}

@Suite struct HostileZipTests {
  private typealias Member = ZipBytes.Member

  /// A sound array of 3 × 4 Float32 zeros.
  private static let array: [UInt8] = {
    let text = "{'descr': '<f4', 'fortran_order': False, 'shape': (3, 4), }\n"
    return [0x93] + Array("NUMPY".utf8) + [1, 0] + ZipBytes.number(text.utf8.count, 2) + Array(text.utf8)
      + [UInt8](repeating: 0, count: 48)
  }()

  private func refusal(of zip: ZipBytes, _ name: String? = nil) throws -> String? {
    let directory = try TemporaryDirectory()
    return fault(try directory.write(zip.bytes), name)
  }

  private func refusal(of member: ZipBytes.Member) throws -> String? {
    try refusal(of: ZipBytes(members: [member]))
  }

  @Test func whatTheBuilderWritesIsSound() throws {
    #expect(try refusal(of: Member(data: Self.array)) == nil)
    #expect(try refusal(of: ZipBytes(members: [Member(data: Self.array)], comment: "PK\u{5}\u{6}")) == nil)
  }

  @Test("Claims that do not fit, and members that cannot be read, get one clear line")
  func claims() throws {
    let data = Self.array
    let size = data.count
    #expect(try refusal(of: Member(data: data, flags: 1)) == "'a.npy' is encrypted")
    #expect(
      try refusal(of: Member(data: data, method: 12))
        == "'a.npy' is compressed by method 12; stored (0) and deflated (8) members are read")
    #expect(
      try refusal(of: Member(data: data, crc: 1)) == "'a.npy': the CRC is wrong, the data is damaged")
    #expect(
      try refusal(of: Member(data: data, size: size + 1)) == "'a.npy': \(size) bytes cannot hold \(size + 1)")
    #expect(
      try refusal(of: Member(data: data, size: size + 100, stored: size + 100))
        == "the data of 'a.npy' reaches outside the file")
    #expect(
      try refusal(of: Member(data: data, method: 8, size: 4_000_000_000))
        == "'a.npy': \(size) bytes cannot hold 4000000000")
    #expect(
      try refusal(of: Member(data: data, localName: "b.npy"))
        == "the local header of 'a.npy' has another name")
    #expect(
      try refusal(of: Member(data: data, localMethod: 8))
        == "the local header of 'a.npy' does not fit the directory")
    #expect(
      try refusal(of: Member(data: data, offset: 7))
        == "the local header of 'a.npy' does not fit the directory")
    #expect(
      try refusal(of: Member(data: data, offset: 1_000_000)) == "'a.npy' begins outside the file")
    #expect(
      try refusal(of: Member(data: data, size: 0xFFFF_FFFF)) == "the zip64 sizes of 'a.npy' are missing")
    #expect(
      try refusal(of: Member(data: data.dropLast(8)))
        == "truncated: the shape (3, 4) needs 48 bytes, the file has 40")
    #expect(
      try refusal(of: Member(data: data + [0]))
        == "too long: the shape (3, 4) needs 48 bytes, the file has 49")
    #expect(try refusal(of: Member(data: Array("hello".utf8))) == "not a .npy file")
    #expect(try refusal(of: Member(data: [])) == "not a .npy file")
  }

  @Test("Directories that lie are refused")
  func directories() throws {
    let member = Member(data: Self.array)
    #expect(
      try refusal(of: ZipBytes(members: [member], entries: 2)) == "the zip directory is broken")
    #expect(
      try refusal(of: ZipBytes(members: [member, Member(name: "b.npy", data: Self.array)], entries: 1))
        == "the zip directory is longer than its members")
    #expect(
      try refusal(of: ZipBytes(members: [member], disks: 1)) == "zip archives of several files are not read")
    #expect(
      try refusal(of: ZipBytes(members: [member], directoryOffset: 0))
        == "the zip directory is not where the end record says: truncated?")
    #expect(try refusal(of: ZipBytes(members: [member, member])) == "two members are named 'a.npy'")
    #expect(try refusal(of: ZipBytes(members: [])) == "an .npz archive without arrays")
    #expect(
      try refusal(of: ZipBytes(members: [Member(name: "bad\nname.npy", data: Self.array)]), "x")
        .map { !$0.contains("\n") } == true)
    // A member inside another one, as overlapping zip bombs have them.
    let inner = ZipBytes(members: [Member(name: "b.npy", data: Self.array)]).bytes
    let outer = Member(data: inner)
    let position = 30 + "a.npy".utf8.count
    #expect(
      try refusal(
        of: ZipBytes(members: [outer, Member(name: "b.npy", data: Self.array, offset: position)]), "b")
        == "members overlap at byte \(position)")
  }

  @Test("Damaged deflate data never gets through")
  func damagedData() throws {
    let directory = try TemporaryDirectory()
    let good = try golden(bytesOf: "streamed.npz")
    // f4 begins behind f2: damage each byte of the first member's data.
    let start = 30 + "f2.npy".utf8.count + 20
    let end = try #require((start..<good.count).first { good[$0...].starts(with: [0x50, 0x4B, 7, 8]) })
    // The last byte ends in padding that means nothing.
    for position in start..<end - 1 {
      var bytes = good
      bytes[position] ^= 0x10
      let path = try directory.write(bytes)
      #expect(fault(path, "f2") != nil, "byte \(position)")
      #expect(fault(path, "f4") == nil)
    }
  }

  @Test("An archive cut anywhere is refused")
  func truncated() throws {
    let directory = try TemporaryDirectory()
    for name in ["stored.npz", "zip64.npz", "one.npz"] {
      let good = try golden(bytesOf: name)
      for count in 0..<good.count {
        let path = try directory.write(good.prefix(count))
        #expect(fault(path, name == "one.npz" ? nil : "f4") != nil, "\(name), \(count)")
      }
    }
  }

  @Test("Random changes never crash, and what is read to its end is what was written")
  func randomChanges() throws {
    let directory = try TemporaryDirectory()
    var random = SplitMix(seed: 11)
    for name in ["zip64.npz", "stored.npz", "streamed.npz"] {
      let good = try golden(bytesOf: name)
      let rows = try NpzArray(path: golden(name), name: "f4").allRows()
      for _ in 0..<1500 {
        var bytes = good
        for _ in 0..<Int.random(in: 1...3, using: &random) {
          bytes[Int.random(in: bytes.indices, using: &random)] = UInt8.random(in: 0...255, using: &random)
        }
        let path = try directory.write(bytes)
        do {
          let array = try NpzArray(path: path, name: "f4")
          let isWhole = array.header.shape == [5, 3] && array.header.type == .float32
          if isWhole { #expect(try array.allRows() == rows) } else { _ = try array.allRows() }
        } catch { #expect(error.path.hasPrefix(path)) }
      }
    }
  }
}
