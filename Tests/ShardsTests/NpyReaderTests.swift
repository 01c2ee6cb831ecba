import Shards
import TestSupport
import Testing

/// Why an array is refused; nil where it opens.
private func refusal(_ path: String) -> String? {
  do {
    _ = try NpyReader(path: path)
    return nil
  } catch {
    #expect(error.path == path)
    #expect(error.description == "\(path): \(error.message)")
    #expect(!error.message.contains("\n"))
    return error.message
  }
}

/// A version 1 file with this header text, unpadded, and this much data.
private func array(_ header: String, data: Int = 0, version: UInt8 = 1) -> [UInt8] {
  let count = header.utf8.count
  let length = (0..<(version == 1 ? 2 : 4)).map { UInt8(truncatingIfNeeded: count >> (8 * $0)) }
  return [0x93] + Array("NUMPY".utf8) + [version, 0] + length + Array(header.utf8)
    + [UInt8](repeating: 0, count: data)
}

private func header(_ descr: String, _ shape: String, fortran: String = "False") -> String {
  "{'descr': \(descr), 'fortran_order': \(fortran), 'shape': \(shape), }"
}

/// A file that is refused, and how.
struct BadArray: Sendable, CustomTestStringConvertible {
  var bytes: [UInt8]
  var message: String
  var testDescription: String { message }

  init(_ bytes: some Sequence<UInt8>, _ message: String) {
    self.bytes = Array(bytes)
    self.message = message
  }
}

@Suite struct NpyReaderTests {
  @Test(
    "Every golden of numpy.save reads back: rows, values, both byte orders, both orders of axes",
    arguments: [
      "f2.npy", "f4.npy", "f8.npy", "f4-big.npy", "f8-fortran.npy", "f4-big-fortran.npy", "v2.npy", "v3.npy",
    ])
  func matrices(name: String) throws {
    let reader = try NpyReader(path: golden(name))
    #expect(reader.shape == [5, 3])
    #expect(reader.rowItems == 3)
    let expected = (0..<15).map { Float($0) * 0.5 - 2 }
    #expect(try reader.floats(0..<5) == expected)
    #expect(try reader.floats(2..<4) == Array(expected[6..<12]))
    #expect(try reader.floats(3..<3) == [])
    #expect(try reader.rows(0..<5).count == 5 * reader.rowBytes)
  }

  @Test func bytesAsFloatsAreNotScaled() throws {
    let reader = try NpyReader(path: golden("u1-4d.npy"))
    #expect(reader.shape == [2, 2, 2, 3])
    #expect(try reader.floats(1..<2) == (12..<24).map { Float($0) })
    #expect(try reader.rows(1..<2) == (12..<24).map { UInt8($0) })
  }

  @Test func vectorsOfEachType() throws {
    #expect(try NpyReader(path: golden("vector-i8.npy")).vector(of: Int64.self) == [-1, 0, 1 << 40])
    #expect(try NpyReader(path: golden("vector-i8-big.npy")).vector(of: Int64.self) == [-1, 0, 1 << 40])
    #expect(try NpyReader(path: golden("vector-u8.npy")).vector(of: UInt64.self) == [0, 1, .max])
    #expect(try NpyReader(path: golden("vector-f4.npy")).vector(of: Float.self) == [-1.5, 0.25, 3])
    #expect(try NpyReader(path: golden("vector-f8.npy")).vector(of: Double.self) == [-1.5, 0.1, 3])
    #expect(try NpyReader(path: golden("vector-b1.npy")).vector(of: Bool.self) == [true, false, true])
  }

  @Test func doublesWidensExactly() throws {
    #expect(try NpyReader(path: golden("vector-f4.npy")).doubles() == [-1.5, 0.25, 3])
    #expect(try NpyReader(path: golden("vector-f8.npy")).doubles() == [-1.5, 0.1, 3])
  }

  @Test func everyHalfWidensAsTheHardwareDoes() throws {
    let directory = try TemporaryDirectory()
    var bytes: [UInt8] = []
    for bits in UInt16.min...UInt16.max { bytes.appendLittleEndian(bits) }
    let path = try directory.write(array(header("'<f2'", "(65536,)")) + bytes)
    let floats = try NpyReader(path: path).floats(0..<65536)
    for bits in UInt16.min...UInt16.max {
      let expected = Float(Float16(bitPattern: bits))
      let got = floats[Int(bits)]
      #expect(expected.isNaN ? got.isNaN : got.bitPattern == expected.bitPattern, "\(bits)")
    }
  }

  @Test func structuredTypesKeepTheirFields() throws {
    let reader = try NpyReader(path: golden("datacomp.npy"))
    #expect(reader.type == .record([NpyField("f0", .uint64), NpyField("f1", .uint64)]))
    #expect(reader.rowBytes == 16)
    #expect(
      try reader.rows(1..<2) == [3] + [UInt8](repeating: 0, count: 7) + [4] + [UInt8](repeating: 0, count: 7))
  }

  @Test func emptyArraysHaveNoRows() throws {
    let directory = try TemporaryDirectory()
    let path = try directory.write(array(header("'<f4'", "(0, 512)")))
    let reader = try NpyReader(path: path)
    #expect(reader.rowCount == 0)
    #expect(try reader.floats(0..<0) == [])
  }

  @Test func whatTheWriterWritesReadsBack() throws {
    let directory = try TemporaryDirectory()
    let path = directory.file("x.npy")
    var writer = try NpyWriter(path: path, type: .uint32, rowShape: [2])
    try writer.append([1, 0, 0, 0, 2, 0, 0, 0])
    try writer.append([3, 0, 0, 0, 4, 1, 0, 0])
    #expect(try writer.finish() == 2)
    #expect(try NpyReader(path: path).rows(0..<2, as: UInt32.self) == [1, 2, 3, 260])
  }

  @Test func valuesOfAnotherTypeAreRefused() throws {
    let error = #expect(throws: NpyError.self) {
      try NpyReader(path: golden("vector-f4.npy")).vector(of: Int64.self)
    }
    #expect(error?.message == "the dtype is '<f4', '<i8' is wanted")
    #expect(throws: NpyError.self) { try NpyReader(path: golden("vector-i8.npy")).floats(0..<1) }
    #expect(throws: NpyError.self) { try NpyReader(path: golden("vector-i8.npy")).doubles() }
    #expect(throws: NpyError.self) { try NpyReader(path: golden("f4.npy")).vector(of: Float.self) }
  }

  @Test(
    "Bad arrays are refused in one clear line",
    arguments: [
      .init(
        array(header("'<f4'", "(3, 4)"), data: 40),
        "truncated: the shape (3, 4) needs 48 bytes, the file has 40"
      ),
      .init(
        array(header("'<f4'", "(3, 4)"), data: 60),
        "too long: the shape (3, 4) needs 48 bytes, the file has 60"
      ),
      .init(array(header("'|O'", "(3,)"), data: 40), "an object array (pickled): save it with a plain dtype"),
      .init(
        array(header("[('a', '<u8'), ('b', 'O')]", "(3,)")),
        "an object array (pickled): save it with a plain dtype"
      ),
      .init(array(header("'<f4'", "(9223372036854775807, 2)")), "impossible shape (9223372036854775807, 2)"),
      .init(array(header("'<f4'", "(4611686018427387904,)")), "impossible shape (4611686018427387904)"),
      .init(array(header("'<f4'", "(0, 9223372036854775807)")), "impossible shape (0, 9223372036854775807)"),
      .init(
        array(header("'<f4'", "(99999999999999999999,)")), "impossible shape: an axis of 99999999999999999999"
      ),
      .init(array(header("'<f4'", "(1000000, 0)")), "the rows of the shape (1000000, 0) are empty"),
      .init(array(header("'<f4'", "()"), data: 4), "a scalar, not an array"),
      .init(array(header("'<c8'", "(1,)"), data: 8), "the dtype '<c8' is not supported"),
      .init(array(header("'|f4'", "(1,)"), data: 4), "the dtype '|f4' is not supported"),
      .init(
        array(header("'<f4'", "(1, 1, 1)", fortran: "True"), data: 4),
        "Fortran order is read for one or two axes only, the shape is (1, 1, 1)"
      ),
      .init(array(header("[('a', '>u8')]", "(1,)"), data: 8), "a structured type must be little-endian"),
      .init(
        array(header("[('a', '<u8', (2,))]", "(1,)"), data: 16),
        "array fields of structured types are not supported"
      ),
      .init(
        array(header("[('a', [('b', '<u8')])]", "(1,)"), data: 8), "nested structured types are not supported"
      ),
      .init(
        array(header("[('a', '<u8'), ('a', '<u8')]", "(1,)"), data: 16),
        "broken header: two fields of one name"
      ),
      .init(array(header("[]", "(1,)")), "broken header: a structured type without fields"),
      .init(array(header("'<f4'", "(-1,)")), "broken header: a number expected, found '-1,), }'"),
      .init(
        array("{'descr': '<f4', 'shape': (1,)}"), "broken header: descr, fortran_order or shape is missing"),
      .init(array("{'descr': '<f4', 'descr': '<f4'}"), "broken header: unexpected key 'descr'"),
      .init(
        array("{'descr': __import__('os')}"), "broken header: a string expected, found '__import__('os')}'"),
      .init(array(header("'<f4'", "(1,)") + "x"), "broken header: text after the dict"),
      .init(
        array(header("'<f4'", "(1,)", fortran: "1")),
        "broken header: True or False expected, found '1, 'shape': (1,), }'"
      ),
      .init(array("{'a\\'b': 1}"), "broken header: a plain string expected, found ''a\\'b': 1}'"),
      .init(array(""), "broken header: '{' expected, found the end"),
      .init(array(header("'<f4'", "(1,)")).prefix(30), "truncated: the file ends inside the header"),
      .init(
        array(String(repeating: " ", count: 70_000), version: 2),
        "a header of 70000 bytes, the limit is 65536"
      ),
      .init(array("", version: 4), ".npy version 4.0 is not supported"),
      .init("PK\u{3}\u{4}".utf8, "an .npz archive, not a .npy array"),
      .init("hello".utf8, "not a .npy file"),
      .init([], "not a .npy file"),
    ] as [BadArray])
  func badArrays(_ bad: BadArray) throws {
    let directory = try TemporaryDirectory()
    #expect(refusal(try directory.write(bad.bytes)) == bad.message)
  }

  @Test func missingFilesDirectoriesAndShrunkenFiles() throws {
    let directory = try TemporaryDirectory()
    #expect(refusal(directory.file("none.npy")) == "open: No such file or directory")
    #expect(refusal(directory.path) == "not a regular file")

    let bytes = array(header("'<f4'", "(100,)"), data: 400)
    let path = try directory.write(bytes)
    let reader = try NpyReader(path: path)
    try shorten(path, to: bytes.count - 1)
    #expect(throws: NpyError.self) { try reader.rows(0..<100) }
    #expect(try reader.rows(0..<99).count == 396)
  }

  @Test func flippedHeaderBytesNeverCrash() throws {
    let directory = try TemporaryDirectory()
    let good = try contents(of: golden("datacomp.npy"))
    var random = SplitMix(seed: 4)
    for _ in 0..<3000 {
      var bytes = good
      for _ in 0..<Int.random(in: 1...3, using: &random) {
        bytes[Int.random(in: 0..<128, using: &random)] = UInt8.random(in: 0...255, using: &random)
      }
      let path = try directory.write(bytes)
      do {
        let reader = try NpyReader(path: path)
        _ = try reader.rows(0..<reader.rowCount)
      } catch { #expect(error.path == path) }
    }
  }

  /// Met while the fuzz target `npy` was written: 88 bytes that kept a reader busy for years.
  @Test func noRowsOfAnyLengthAreNoWork() throws {
    let directory = try TemporaryDirectory()
    let path = try directory.write(array(header("'<f4'", "(0, 1152921504606846976)", fortran: "True")))
    let reader = try NpyReader(path: path)
    #expect(try reader.rows(0..<0) == [])
  }
}
