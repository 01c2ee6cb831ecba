// One process of `make bench-decode`: reads a tar of JPEGs into memory, then for each line of standard input
//
//     exact SIZE | fast SIZE      makes all thumbnails and answers "wall-ns cpu-ns"
//     write exact|fast SIZE FILE  writes the thumbnails to FILE, one after the other
//     resize WIDTH HEIGHT FILTER FILE  writes the whole images resized
//
// It goes the way of the ingest worker: probe, then thumbnail, with one decoder for all images.
import Decode
import Foundation
import Glibc

/// The members of a plain tar; the bench makes it, so names and checksums are not looked at.
func members(of path: String) throws -> [[UInt8]] {
  let tar = [UInt8](try Data(contentsOf: URL(filePath: path)))
  var found: [[UInt8]] = []
  var offset = 0
  while offset + 512 <= tar.count, tar[offset] != 0 {
    let digits = String(decoding: tar[offset + 124..<offset + 135], as: UTF8.self)
    guard let size = Int(digits, radix: 8) else { fatalError("no tar: \(path)") }
    found.append(Array(tar[offset + 512..<offset + 512 + size]))
    offset += 512 + (size + 511) / 512 * 512
  }
  return found
}

func nanoseconds(_ clock: clockid_t) -> Int {
  var time = timespec()
  unsafe clock_gettime(clock, &time)
  return time.tv_sec * 1_000_000_000 + time.tv_nsec
}

/// Every thumbnail in turn.
func thumbnails(_ images: [[UInt8]], fast: Bool, size: Int, _ use: ([UInt8]) -> Void) throws {
  let limits = DecodeLimits()
  var decoder = ImageDecoder(limits: limits, isFast: fast)
  let thumbnailer = Thumbnailer(size: size)
  var thumbnail: [UInt8] = []
  for image in images {
    let info = try unsafe probe(image.span.bytes, limits: limits)
    try unsafe decoder.thumbnail(image.span.bytes, info: info, by: thumbnailer, into: &thumbnail)
    use(thumbnail)
  }
}

func answer(_ text: String) throws {
  try FileHandle.standardOutput.write(contentsOf: Data((text + "\n").utf8))
}

let images = try members(of: CommandLine.arguments[1])
try answer("ready \(images.count)")
while let line = readLine() {
  let words = line.split(separator: " ").map(String.init)
  if words[0] == "write" {
    var all: [UInt8] = []
    try thumbnails(images, fast: words[1] == "fast", size: Int(words[2])!) { all += $0 }
    try Data(all).write(to: URL(filePath: words[3]))
    try answer("written")
  } else if words[0] == "resize" {
    var decoder = ImageDecoder()
    var all: [UInt8] = []
    for image in images {
      let info = try unsafe probe(image.span.bytes, limits: DecodeLimits())
      let whole = try unsafe decoder.decode(image.span.bytes, info: info)
      all +=
        resize(
          whole, width: Int(words[1])!, height: Int(words[2])!, filter: ResampleFilter(rawValue: words[3])!
        ).pixels
    }
    try Data(all).write(to: URL(filePath: words[4]))
    try answer("written")
  } else {
    let (wall, cpu) = (nanoseconds(CLOCK_MONOTONIC), nanoseconds(CLOCK_PROCESS_CPUTIME_ID))
    var sum = 0
    try thumbnails(images, fast: words[0] == "fast", size: Int(words[1])!) { sum &+= Int($0[0]) }
    let spent = (nanoseconds(CLOCK_MONOTONIC) - wall, nanoseconds(CLOCK_PROCESS_CPUTIME_ID) - cpu)
    try answer("\(spent.0) \(spent.1) \(sum)")
  }
}
