/// Copies any shard as a plain tar, byte for byte after decompression, checking it on the way.
public enum PlainTarCopy {
  /// Copies until the end; the output is flushed as it comes and never synced.
  ///
  /// - Throws: ``ShardFault`` when the shard is not a complete tar: what came before has been written then.
  public static func run(
    from input: consuming File, to output: consuming File, limits: ShardLimits = ShardLimits()
  ) throws {
    let stream = try ShardStream(input, limits: limits, hashing: false)
    try stream.startCopying(to: output)
    do {
      var tar = TarReader(stream, limits: limits)
      while try tar.next() != nil {}
      _ = try stream.drain()
    } catch {
      try stream.finishCopying()
      throw error
    }
    try stream.finishCopying()
  }
}
