/// Where the data of one member lies in a plain tar.
public struct TarPlace: Sendable, Equatable {
  /// The member's name, as stored.
  public var name: [UInt8]
  /// Bytes of the key in the name; a dot and the field follow.
  public var keyBytes: Int
  /// Of the data in the tar, a multiple of 512.
  public var offset: UInt64
  /// Bytes of the data.
  public var size: Int

  public init(name: [UInt8], keyBytes: Int, offset: UInt64, size: Int) {
    (self.name, self.keyBytes, self.offset, self.size) = (name, keyBytes, offset, size)
  }

  /// Whether an index can hold it: its parts stand between spaces, and DALI's tool reads names as ASCII.
  public var fitsIndex: Bool {
    name.count > keyBytes + 1 && name.allSatisfy { (0x21...0x7E).contains($0) }
  }
}

/// Writes `NNNNN.idx`, the index (v1.2) with which DALI's `fn.readers.webdataset` opens a plain tar without a scan.
///
/// The first line is `v1.2` and the number of samples; each further line is one sample: `field offset size name` of
/// its members, all with single spaces. The lines go to a file of their own until that number is known, so memory is
/// two buffers of 1 MiB.
public struct DaliIndexWriter: ~Copyable {
  private let path: String
  private let body: String
  private var lines: BufferedFile
  /// Samples so far.
  public private(set) var samples = 0

  /// - Parameter path: of the index, a hidden name or in a staging directory: its own name is given by whoever publishes
  ///   it. Beside it, a hidden file.
  public init(path: String) throws(FileError) {
    self.path = path
    body = Directory.parent(of: path) + "/." + Directory.name(of: path) + ".lines"
    lines = BufferedFile(try File(path: body, .create))
  }

  /// Adds one sample, its members in the order of the tar.
  ///
  /// - Precondition: there is one, and all fit (``TarPlace/fitsIndex``).
  public mutating func add(_ members: [TarPlace]) throws(FileError) {
    precondition(!members.isEmpty && members.allSatisfy(\.fitsIndex), "no line of an index")
    var line: [UInt8] = []
    for member in members {
      if !line.isEmpty { line.append(UInt8(ascii: " ")) }
      line += member.name[(member.keyBytes + 1)...]
      line += Array(" \(member.offset) \(member.size) ".utf8)
      line += member.name
    }
    line.append(UInt8(ascii: "\n"))
    try lines.write(line[...])
    samples += 1
  }

  /// Completes the index, durably.
  public consuming func finish() throws(FileError) {
    let output = try File(path: path, .create)
    try lines.finish(syncing: false)
    try output.write(Array("v1.2 \(samples)\n".utf8))
    let input = try File(path: body, .read)
    var buffer = [UInt8](repeating: 0, count: 1 << 20)
    while true {
      let got = try input.read(into: &buffer)
      if got == 0 { break }
      try output.write(got == buffer.count ? buffer : Array(buffer[..<got]))
    }
    try output.sync()
    try Directory.remove(body)
  }

  /// Gives up: removes what was written.
  public consuming func discard() throws(FileError) { try Directory.remove(body) }
}
