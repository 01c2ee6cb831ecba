import Foundation
import TestSupport
import Testing

/// Path of a file made by `oracle/make_goldens.py`.
func golden(_ name: String) -> String {
  URL(filePath: #filePath).deletingLastPathComponent().appending(path: "Goldens/" + name)
    .path(percentEncoded: false)
}

/// Cuts a file to its first bytes, in place.
func shorten(_ path: String, to count: Int) throws {
  let handle = try #require(FileHandle(forUpdatingAtPath: path))
  try handle.truncate(atOffset: UInt64(count))
  try handle.close()
}

func golden(bytesOf name: String) throws -> [UInt8] { try contents(of: golden(name)) }
