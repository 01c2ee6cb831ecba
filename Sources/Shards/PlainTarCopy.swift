/// Copies any shard as a plain tar, checking it on the way.
public enum PlainTarCopy {
  /// Copies until the end, byte for byte after decompression; the output is flushed as it comes and never synced.
  ///
  /// - Parameter ignoringZeros: read concatenated tars on through their end markers, and write one tar with one end
  ///   marker.
  /// - Returns: offset of data behind the end marker, if there is any (it is copied too).
  /// - Throws: ``ShardFault`` when the shard is not a complete tar: what came before has been written then.
  @discardableResult
  public static func run(
    from input: consuming File, to output: consuming File, limits: ShardLimits = ShardLimits(),
    ignoringZeros: Bool = false
  ) throws -> UInt64? {
    let stream = try ShardStream(input, limits: limits, hashing: false)
    return ignoringZeros
      ? try joined(stream, to: output, limits) : try whole(stream, to: output, limits)
  }

  private static func whole(
    _ stream: ShardStream, to output: consuming File, _ limits: ShardLimits
  ) throws -> UInt64? {
    try stream.startCopying(to: output)
    var trailing: UInt64?
    do {
      var tar = TarReader(stream, limits: limits)
      while try tar.next() != nil {}
      trailing = try stream.drain()
    } catch {
      try stream.finishCopying()
      throw error
    }
    try stream.finishCopying()
    return trailing
  }

  private static func joined(
    _ stream: ShardStream, to output: consuming File, _ limits: ShardLimits
  ) throws -> UInt64? {
    var tar = TarReader(stream, limits: limits, ignoresZeros: true)
    tar.startCopying(to: output)
    do { while try tar.next() != nil {} } catch {
      try tar.finishCopying(complete: false)
      throw error
    }
    try tar.finishCopying(complete: true)
    return try stream.drain()
  }
}
