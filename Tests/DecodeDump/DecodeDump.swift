// Decodes image files for scripts/robustness, which holds the pixels against Pillow's.
//
//   decode-dump [keep] < PATHS
//
// Each line of standard input is a path. The answer on standard output is one line, and behind the line of an image
// its pixels:
//   ok MEMORY WIDTH HEIGHT\n  and WIDTH x HEIGHT x 3 bytes of RGB
//   CODE MEMORY MESSAGE\n     for a file that is rejected
// MEMORY is what the header says the decoding may take, 0 where the header is rejected. `keep` keeps JPEGs with
// warnings (the recipe's `on_warning: keep`).
import Decode
import Foundation

/// Writes all of the bytes to standard output.
func put(_ bytes: [UInt8]) {
  var done = 0
  while done < bytes.count {
    let count = unsafe bytes.withUnsafeBytes { unsafe write(1, $0.baseAddress! + done, $0.count - done) }
    if count <= 0 { exit(74) }
    done += count
  }
}

/// Answers for one file; a file that cannot be read is an `io` answer.
func answer(_ path: String, _ decoder: inout ImageDecoder, _ limits: DecodeLimits) {
  guard let data = FileManager.default.contents(atPath: path) else {
    return put(Array("io 0 cannot read\n".utf8))
  }
  let bytes = [UInt8](data)
  var memory = 0
  do throws(DecodeError) {
    let info = try unsafe probe(bytes.span.bytes, limits: limits)
    memory = info.decodeMemory
    let image = try unsafe decoder.decode(bytes.span.bytes, info: info)
    put(Array("ok \(memory) \(image.width) \(image.height)\n".utf8))
    put(image.pixels)
  } catch {
    let message = error.message.split(whereSeparator: \.isNewline).joined(separator: " ")
    put(Array("\(error.code.rawValue) \(memory) \(message)\n".utf8))
  }
}

@main
struct DecodeDump {
  static func main() {
    let limits = DecodeLimits()
    let keeps = CommandLine.arguments.dropFirst().contains("keep")
    var decoder = ImageDecoder(limits: limits, onWarning: keeps ? .keep : .reject)
    while let path = readLine() { answer(path, &decoder, limits) }
  }
}
