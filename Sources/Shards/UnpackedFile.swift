import Glibc

/// Small files that may be packed.
public enum UnpackedFile {
  /// The bytes of a file, unpacked if it is gzip by its first bytes.
  ///
  /// - Throws: `FileError`: `EFBIG` above `maximumBytes`, `EBADMSG` for a broken or cut gzip.
  public static func read(_ path: String, maximumBytes: Int) throws(FileError) -> [UInt8] {
    let stored = try File.regular(path).read(at: 0, count: maximumBytes + 1)
    let tooLarge = FileError(call: "read", path: path, errno: EFBIG)
    guard stored.count <= maximumBytes else { throw tooLarge }
    guard stored.starts(with: [0x1f, 0x8b]) else { return stored }
    var bytes: [UInt8] = []
    do {
      let gzip = try GzipDecompressor()
      var buffer = [UInt8](repeating: 0, count: 1 << 16)
      var position = 0
      while true {
        let step = try gzip.step(stored, position..<stored.count, into: &buffer)
        position += step.consumed
        bytes += buffer[..<step.produced]
        guard bytes.count <= maximumBytes else { break }
        if position == stored.count, step.produced == 0 {
          guard step.atBoundary else { throw DecompressionError(message: "cut off") }
          return bytes
        }
      }
    } catch {
      throw FileError(call: "gzip", path: path, errno: EBADMSG)
    }
    throw tooLarge
  }
}
