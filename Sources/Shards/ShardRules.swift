/// What becomes of a key whose members are not all adjacent in a shard, or of which a field occurs twice.
public enum DuplicatePolicy: String, Sendable, CaseIterable, Codable {
  /// Every part of the key is rejected: `interleaved_key` when no field occurs twice, else `duplicate_key`.
  case reject
  /// The parts become one sample, given where the last part is. A field that occurs twice must have the same bytes
  /// (it is kept once); else the sample is rejected as `duplicate_key`.
  case merge
  /// The first part keeps its key, each further one gets a key of its own (``SampleKey/renamed(_:occurrence:)``).
  case rename
}

/// How shards are read.
public struct ShardRules: Sendable, Equatable {
  public var limits = ShardLimits()
  public var duplicates = DuplicatePolicy.reject
  /// Keep the whole samples before a fault: those after which another key's header or a zero block followed. The
  /// one that the fault cuts is rejected under the fault's code.
  public var salvages = false
  /// Read concatenated tars on through their end markers, as `tar --ignore-zeros` does.
  public var ignoresZeros = false
  /// Put before every key before it is made safe (`keys: prefix`).
  public var keyPrefix: [UInt8] = []

  public init() {}
}

/// What a reader does when it meets a key again. Rejecting and merging need to know all repeated keys of a shard
/// before its first sample is given; renaming does not.
public enum RepeatedKeys: Sendable {
  /// One pass only, for standard input: further parts are rejected, the first was given already.
  case rejectLater
  /// ``RepeatedKey`` is thrown: the caller scans the shard (``KeyConflicts``) and starts over.
  case report
  /// All repeated keys are known.
  case known(KeyConflicts)
}

/// Thrown by a reader under ``RepeatedKeys/report`` at the first key that it meets again.
public struct RepeatedKey: Error, Sendable, Equatable {
  /// Offset in the decompressed tar of the part that repeats a key.
  public let offset: UInt64
}
