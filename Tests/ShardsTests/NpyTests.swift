import Shards
import TestSupport
import Testing

@Suite struct NpyTests {
  @Test func headersAreThoseOfNumPySave() throws {
    let record = NpyType.record([
      NpyField("width", .uint32), NpyField("offset", .uint64), NpyField("depth", .uint8),
    ])
    let uids = NpyType.record([NpyField("f0", .uint64), NpyField("f1", .uint64)])
    let headers = [
      NpyHeader(type: .float32, shape: [3]), NpyHeader(type: .float32, shape: [0]),
      NpyHeader(type: .float16, shape: [2, 512]), NpyHeader(type: .uint8, shape: [1_234_567, 32, 32, 3]),
      NpyHeader(type: .bool, shape: [1_000_000_000_000]), NpyHeader(type: uids, shape: [3]),
      NpyHeader(type: record, shape: [5]), NpyHeader(type: .int64, shape: [2, 3, 4]),
    ]
    let lines = String(decoding: try golden(bytesOf: "headers.txt"), as: UTF8.self).split(separator: "\n")
    #expect(headers.map { hexadecimal($0.bytes()) } == lines.map(String.init))
    #expect(headers[5].bytes().count == 128)
  }

  @Test(arguments: [(NpyType.int64, "vector-i8.npy"), (.float64, "f8.npy"), (.uint8, "u1-4d.npy")])
  func wholeFilesAreThoseOfNumPySave(type: NpyType, name: String) throws {
    let directory = try TemporaryDirectory()
    let expected = try golden(bytesOf: name)
    let shape = try NpyReader(path: golden(name)).shape
    var writer = try NpyWriter(path: directory.file("x.npy"), type: type, rowShape: Array(shape.dropFirst()))
    try writer.append(Array(expected[128...]))
    #expect(try writer.finish() == shape[0])
    #expect(try contents(of: directory.file("x.npy")) == expected)
  }

  @Test func wholeArraysReadBack() throws {
    let directory = try TemporaryDirectory()
    let path = directory.file("x.npy")
    try NpyFile.write([1, 2.5, -3, 4, 5, 6] as [Float16], shape: [3, 2], to: path)
    let reader = try NpyReader(path: path)
    #expect(reader.shape == [3, 2])
    #expect(try reader.rows(1..<3, as: Float16.self) == [-3, 4, 5, 6])
    #expect(try reader.floats(0..<1) == [1, 2.5])
  }

  @Test func numbersAreLittleEndian() {
    var bytes: [UInt8] = []
    bytes.appendLittleEndian(UInt16(0x0102))
    bytes.appendLittleEndian(Int32(-2))
    #expect(bytes == [2, 1, 0xfe, 0xff, 0xff, 0xff])
  }
}
