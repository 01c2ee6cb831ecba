import CWebP

/// Decodes a WebP file to RGB, alpha laid over white; of an animation the first frame on its canvas.
///
/// The pixels are those of libwebp's animation decoder, which Pillow uses for still images too. Where the
/// header claims no alpha, what there is of it is ignored.
func decodeWebP(_ bytes: RawSpan, info: ImageInfo) throws(DecodeError) -> RGBImage {
  let features = try webPFeatures(bytes)
  guard Int(features.width) == info.width, Int(features.height) == info.height else {
    throw DecodeError(.corruptImage, "libwebp reads another size from the header")
  }
  let pixels: [UInt8]
  if features.has_animation != 0 {
    let canvas = try firstFrame(bytes, info: info)
    pixels = features.has_alpha != 0 ? overWhite(canvas, info) : withoutAlpha(canvas, info)
  } else if features.has_alpha != 0 {
    pixels = overWhite(try decodeStill(bytes, info: info, mode: MODE_RGBA, channels: 4), info)
  } else {
    pixels = try decodeStill(bytes, info: info, mode: MODE_RGB, channels: 3)
  }
  return RGBImage(width: info.width, height: info.height, pixels: pixels)
}

private func decodeStill(
  _ bytes: RawSpan, info: ImageInfo, mode: WEBP_CSP_MODE, channels: Int
) throws(DecodeError) -> [UInt8] {
  let stride = info.width * channels
  let size = stride * info.height
  var status = VP8_STATUS_OK
  let pixels = unsafe [UInt8](unsafeUninitializedCapacity: size) { target, initialized in
    status = unsafe bytes.withUnsafeBytes {
      unsafe decodeFrame($0, into: target.baseAddress, stride: stride, size: size, mode: mode)
    }
    initialized = status == VP8_STATUS_OK ? size : 0
  }
  try checkWebP(status)
  return pixels
}

/// One bitstream into the given memory.
private func decodeFrame(
  _ source: UnsafeRawBufferPointer, into target: UnsafeMutablePointer<UInt8>?, stride: Int, size: Int,
  mode: WEBP_CSP_MODE
) -> VP8StatusCode {
  var configuration = unsafe WebPDecoderConfig()
  guard unsafe WebPInitDecoderConfig(&configuration) != 0 else { return VP8_STATUS_INVALID_PARAM }
  unsafe configuration.output.colorspace = mode
  unsafe configuration.output.is_external_memory = 1
  unsafe configuration.output.u.RGBA.rgba = target
  unsafe configuration.output.u.RGBA.stride = Int32(stride)
  unsafe configuration.output.u.RGBA.size = size
  return unsafe WebPDecode(
    source.baseAddress?.assumingMemoryBound(to: UInt8.self), source.count, &configuration)
}

/// The first frame of an animation on a transparent black canvas, RGBA.
private func firstFrame(_ bytes: RawSpan, info: ImageInfo) throws(DecodeError) -> [UInt8] {
  var canvas = [UInt8](repeating: 0, count: info.width * info.height * 4)
  let result = unsafe bytes.withUnsafeBytes { source -> Result<Void, DecodeError> in
    var data = unsafe WebPData(
      bytes: source.baseAddress?.assumingMemoryBound(to: UInt8.self), size: source.count)
    guard let demuxer = unsafe WebPDemux(&data) else {
      return .failure(DecodeError(.corruptImage, "the chunks of the animated WebP are broken or cut"))
    }
    defer { unsafe WebPDemuxDelete(demuxer) }
    var frame = unsafe WebPIterator()
    guard unsafe WebPDemuxGetFrame(demuxer, 1, &frame) != 0 else {
      return .failure(DecodeError(.corruptImage, "the animated WebP has no frame"))
    }
    defer { unsafe WebPDemuxReleaseIterator(&frame) }
    let (left, top) = unsafe (Int(frame.x_offset), Int(frame.y_offset))
    let (width, height) = unsafe (Int(frame.width), Int(frame.height))
    guard left >= 0, top >= 0, left + width <= info.width, top + height <= info.height, width > 0, height > 0
    else { return .failure(DecodeError(.corruptImage, "a WebP frame outside its canvas")) }
    let stride = info.width * 4
    let start = top * stride + left * 4
    let status = unsafe canvas.withUnsafeMutableBufferPointer { target in
      unsafe decodeFrame(
        UnsafeRawBufferPointer(start: frame.fragment.bytes, count: frame.fragment.size),
        into: target.baseAddress! + start, stride: stride, size: target.count - start, mode: MODE_RGBA)
    }
    do throws(DecodeError) {
      try checkWebP(status)
      return .success(())
    } catch {
      return .failure(error)
    }
  }
  try result.get()
  return canvas
}

private func overWhite(_ rgba: [UInt8], _ info: ImageInfo) -> [UInt8] {
  let count = info.width * info.height * 3
  return unsafe [UInt8](unsafeUninitializedCapacity: count) { target, initialized in
    unsafe layOverWhite(rgba, into: UnsafeMutableBufferPointer(rebasing: target[..<count]))
    initialized = count
  }
}

private func withoutAlpha(_ rgba: [UInt8], _ info: ImageInfo) -> [UInt8] {
  var rgb = [UInt8](repeating: 0, count: info.width * info.height * 3)
  for pixel in 0..<info.width * info.height {
    for channel in 0..<3 { rgb[pixel * 3 + channel] = rgba[pixel * 4 + channel] }
  }
  return rgb
}
