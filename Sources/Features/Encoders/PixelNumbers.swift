/// Bytes of pictures → the numbers of a model's input.
enum PixelNumbers {
  /// The bytes of what `number` gives for each channel and byte value, in the order of `pixels`.
  static func bytes<Number: BitwiseCopyable>(
    _ pixels: Span<UInt8>, isPlanar: Bool, area: Int, _ number: (_ channel: Int, _ value: Int) -> Number
  ) -> [UInt8] {
    let width = MemoryLayout<Number>.size
    return unsafe [UInt8](unsafeUninitializedCapacity: pixels.count * width) { target, count in
      let raw = UnsafeMutableRawBufferPointer(target)
      for index in pixels.indices {
        let channel = isPlanar ? index / area : index % 3
        unsafe raw.storeBytes(
          of: number(channel, Int(pixels[index])), toByteOffset: index * width, as: Number.self)
      }
      count = pixels.count * width
    }
  }
}
