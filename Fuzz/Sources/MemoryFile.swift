import CFuzzer

/// A file without a disk: two of them, rewritten for each input.
enum MemoryFile {
  /// Makes `bytes` the content of file 0 or 1; returns its path.
  static func write(_ bytes: [UInt8], to which: Int32 = 0) -> String {
    unsafe String(cString: fuzz_file(which, bytes, bytes.count))
  }

  static func read(_ which: Int32) -> [UInt8] {
    let count = fuzz_file_size(which)
    return unsafe [UInt8](unsafeUninitializedCapacity: count) { target, filled in
      if let start = target.baseAddress { unsafe fuzz_file_read(which, start, count) }
      filled = count
    }
  }
}
