import Synchronization

/// Bytes of pictures → the numbers of a model's input, in memory that is used again.
final class PixelNumbers: Sendable {
  /// What each byte value of each channel becomes, 3 × 256 numbers as little-endian bytes.
  private let table: [UInt8]
  /// Bytes of a number.
  private let width: Int
  private let isPlanar: Bool
  /// Pixels of a picture.
  private let area: Int
  /// Pictures the model takes at once; all but the first are zeros.
  private let batch: Int
  private let spare = Mutex<[[UInt8]]>([])

  init(_ table: [Float], _ type: OnnxType, isPlanar: Bool, area: Int, batch: Int) {
    switch type {
    case .uint8: self.table = (0..<768).map { UInt8($0 % 256) }
    case .float16: self.table = table.flatMap { Float16($0).bitPattern.littleEndianBytes }
    default: self.table = table.flatMap { $0.bitPattern.littleEndianBytes }
    }
    width = self.table.count / 768
    (self.isPlanar, self.area, self.batch) = (isPlanar, area, batch)
  }

  /// Calls `body` with the numbers of a picture of `area` × 3 bytes, pixel after pixel.
  func with<Result>(
    _ picture: [UInt8], _ body: ([UInt8]) throws(EncoderError) -> Result
  ) throws(EncoderError) -> Result {
    precondition(picture.count == area * 3, "not a picture of the model's size")
    var numbers =
      spare.withLock { $0.popLast() } ?? [UInt8](repeating: 0, count: batch * area * 3 * width)
    fill(&numbers, picture)
    defer { spare.withLock { $0.append(numbers) } }
    return try body(numbers)
  }

  private func fill(_ numbers: inout [UInt8], _ picture: [UInt8]) {
    switch width {
    case 1: fill(&numbers, picture, UInt8.self)
    case 2: fill(&numbers, picture, UInt16.self)
    default: fill(&numbers, picture, UInt32.self)
    }
  }

  private func fill<Word: BitwiseCopyable>(_ numbers: inout [UInt8], _ picture: [UInt8], _: Word.Type) {
    let (pixel, channelStep) = isPlanar ? (1, area) : (3, 1)
    unsafe table.withUnsafeBytes { table in
      unsafe picture.withUnsafeBufferPointer { picture in
        unsafe numbers.withUnsafeMutableBytes { numbers in
          for channel in 0..<3 {
            let row = unsafe table.baseAddress! + channel * 256 * width
            let target = unsafe numbers.baseAddress! + channel * channelStep * width
            for place in 0..<area {
              let value = unsafe Int(picture[3 * place + channel])
              unsafe target.storeBytes(
                of: row.loadUnaligned(fromByteOffset: value * width, as: Word.self),
                toByteOffset: place * pixel * width, as: Word.self)
            }
          }
        }
      }
    }
  }
}
