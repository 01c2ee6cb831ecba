import Shards

/// `captions.txt` of a shard: line i is the caption of row i, white space made plain.
struct CaptionLines: PullSource, ~Copyable {
  static let file = "captions.txt"
  /// Lines of one item of work.
  private static let blockLines = 256
  private static let blockBytes = 1 << 18

  private let file: File
  private var buffer: [UInt8] = []
  private var position = 0
  private var isAtEnd = false

  init(_ directory: String) throws { file = try File(path: directory + "/" + Self.file, .read) }

  /// Some whole lines with their line ends.
  mutating func next() throws -> (item: [UInt8], cost: Int)? {
    var lines = 0
    var end = position
    while lines < Self.blockLines {
      if let lineEnd = buffer[end...].firstIndex(of: UInt8(ascii: "\n")) {
        end = lineEnd + 1
        lines += 1
      } else if isAtEnd {
        break
      } else {
        end -= position
        buffer.removeFirst(position)
        position = 0
        let used = buffer.count
        buffer += [UInt8](repeating: 0, count: Self.blockBytes)
        let got = try file.read(into: &buffer, from: used)
        buffer.removeLast(buffer.count - used - got)
        isAtEnd = got == 0
      }
    }
    guard lines > 0 else { return nil }
    let block = Array(buffer[position..<end])
    position = end
    return (block, 4 * block.count + lines * 1024)
  }
}

extension [UInt8] {
  /// The lines of a block, without their ends.
  var lines: [ArraySlice<UInt8>] {
    split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false).dropLast()
  }
}
