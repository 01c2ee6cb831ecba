// Decodes image files for scripts/robustness, which holds the pixels against Pillow's.
//
//   decode-dump [keep] < PATHS
//
// Each line of standard input is a path. The answer on standard output is one line, and behind the line of an image
// its pixels:
//   ok WIDTH HEIGHT DEPTH COST MEMORY\n  and WIDTH x HEIGHT x 3 bytes of RGB
//   CODE MESSAGE\n                        for a file that is rejected
// `keep` keeps JPEGs with warnings (the recipe's `on_warning: keep`).
import Decode
import Foundation

/// Answers for one file; a file that cannot be read is an `io` answer.
func answer(_ path: String, _ decoder: inout ImageDecoder, _ limits: DecodeLimits) -> [UInt8] {
  guard let data = FileManager.default.contents(atPath: path) else { return Array("io cannot read\n".utf8) }
  let bytes = [UInt8](data)
  do throws(DecodeError) {
    let info = try unsafe probe(bytes.span.bytes, limits: limits)
    let image = try unsafe decoder.decode(bytes.span.bytes, info: info)
    let facts = [image.width, image.height, Int(info.depth), Int(info.cost), info.decodeMemory]
    return Array("ok \(facts.map(String.init).joined(separator: " "))\n".utf8) + image.pixels
  } catch {
    let message = error.message.split(whereSeparator: \.isNewline).joined(separator: " ")
    return Array("\(error.code.rawValue) \(message)\n".utf8)
  }
}

@main
struct DecodeDump {
  static func main() throws {
    let keeps = CommandLine.arguments.dropFirst().contains("keep")
    let limits = DecodeLimits()
    var decoder = ImageDecoder(limits: limits, onWarning: keeps ? .keep : .reject)
    while let path = readLine() {
      try FileHandle.standardOutput.write(contentsOf: answer(path, &decoder, limits))
    }
  }
}
