// One process of `make bench-decode`: reads a tar of JPEGs into memory, then for each line of standard input
//
//     exact SIZE | fast SIZE      makes all thumbnails and answers "wall-ns cpu-ns"
//     published SIZE              resizes the shorter side, encodes as JPEG of quality 95, and answers the same
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

/// What one worker of an ingest keeps from image to image.
final class Worker {
  private let limits = DecodeLimits()
  private var decoder: ImageDecoder
  private var thumbnail: [UInt8] = []

  init(isFast: Bool) { decoder = ImageDecoder(isFast: isFast) }

  /// Every thumbnail in turn.
  func thumbnails(_ images: [[UInt8]], size: Int, _ use: ([UInt8]) -> Void) throws {
    let thumbnailer = Thumbnailer(size: size)
    for image in images {
      let info = try unsafe probe(image.span.bytes, limits: limits)
      try unsafe decoder.thumbnail(image.span.bytes, info: info, by: thumbnailer, into: &thumbnail)
      use(thumbnail)
    }
  }

  private var picture = RGBImage(width: 0, height: 0, pixels: [])

  /// Every image as `publish.image: resize` publishes it.
  func published(_ images: [[UInt8]], size: Int, by encoder: JPEGEncoder, _ use: ([UInt8]) -> Void) throws {
    let size = PictureSize(.keepRatio, size: size)
    for image in images {
      let info = try unsafe probe(image.span.bytes, limits: limits)
      try unsafe decoder.decode(image.span.bytes, info: info, to: size, into: &picture)
      use(try encoder.encode(picture))
    }
  }

  /// Every whole image, resized.
  func resized(_ images: [[UInt8]], width: Int, height: Int, filter: ResampleFilter) throws -> [UInt8] {
    var all: [UInt8] = []
    for image in images {
      let info = try unsafe probe(image.span.bytes, limits: limits)
      let whole = try unsafe decoder.decode(image.span.bytes, info: info)
      all += resize(whole, width: width, height: height, filter: filter).pixels
    }
    return all
  }
}

func answer(_ text: String) throws {
  try FileHandle.standardOutput.write(contentsOf: Data((text + "\n").utf8))
}

let images = try members(of: CommandLine.arguments[1])
try answer("ready \(images.count)")
let encoder = try JPEGEncoder(quality: 95)
let workers = ["exact": Worker(isFast: false), "fast": Worker(isFast: true)]
while let line = readLine() {
  let words = line.split(separator: " ").map(String.init)
  switch words[0] {
  case "write":
    var all: [UInt8] = []
    try workers[words[1]]!.thumbnails(images, size: Int(words[2])!) { all += $0 }
    try Data(all).write(to: URL(filePath: words[3]))
    try answer("written")
  case "resize":
    let all = try workers["exact"]!.resized(
      images, width: Int(words[1])!, height: Int(words[2])!, filter: ResampleFilter(rawValue: words[3])!)
    try Data(all).write(to: URL(filePath: words[4]))
    try answer("written")
  default:
    let worker = workers[words[0] == "published" ? "exact" : words[0]]!
    let size = Int(words[1])!
    let (wall, cpu) = (nanoseconds(CLOCK_MONOTONIC), nanoseconds(CLOCK_PROCESS_CPUTIME_ID))
    var sum = 0
    if words[0] == "published" {
      try worker.published(images, size: size, by: encoder) { sum &+= $0.count }
    } else {
      try worker.thumbnails(images, size: size) { sum &+= Int($0[0]) }
    }
    let spent = (nanoseconds(CLOCK_MONOTONIC) - wall, nanoseconds(CLOCK_PROCESS_CPUTIME_ID) - cpu)
    try answer("\(spent.0) \(spent.1) \(sum)")
  }
}
