/// Copies any shard as a plain tar, checking it on the way.
public enum PlainTarCopy {
  /// Copies until the end, byte for byte after decompression; the output is flushed as it comes and never synced.
  ///
  /// - Returns: offset of data behind the end marker, if there is any (it is copied too).
  /// - Throws: ``ShardFault`` when the shard is not a complete tar: what came before has been written then.
  @discardableResult
  public static func run(
    from input: consuming File, to output: consuming File, limits: ShardLimits = ShardLimits()
  ) throws -> UInt64? {
    let stream = try ShardStream(input, limits: limits, hashing: false)
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
}

/// Makes one plain tar of several shards: the members of all, byte for byte, and one end marker.
public struct TarJoin: ~Copyable {
  private var output: BufferedFile?

  public init(_ file: consuming File) { output = BufferedFile(file) }

  /// Adds the members of a shard.
  ///
  /// - Parameter ignoringZeros: read concatenated tars on through their end markers.
  /// - Returns: offset of data behind the end marker, if there is any (it is left out).
  /// - Throws: ``ShardFault`` when the shard is not a complete tar: the members before the fault are in the tar then.
  @discardableResult
  public mutating func add(
    _ input: consuming File, limits: ShardLimits = ShardLimits(), ignoringZeros: Bool = false
  ) throws -> UInt64? {
    let stream = try ShardStream(input, limits: limits, hashing: false)
    var tar = TarReader(stream, limits: limits, ignoresZeros: ignoringZeros)
    tar.startCopying(to: output.take()!)
    do { while try tar.next() != nil {} } catch {
      output = tar.endCopying()
      throw error
    }
    output = tar.endCopying()
    return try stream.drain()
  }

  /// Ends the tar, with an end marker if all of it is there. Nothing is synced.
  public consuming func finish(complete: Bool = true) throws {
    var output = self.output.take()!
    if complete { try output.write(TarFormat.endMarker(after: Int(output.count))) }
    try output.finish(syncing: false)
  }
}
