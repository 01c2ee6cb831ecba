/// Writes small `.npz` archives: arrays stored one after the other, as `numpy.savez` lays them out, but with a fixed
/// date, so that equal arrays are equal bytes.
public enum NpzFile {
  /// One array: its name without `.npy`, its header, and its data, little-endian.
  public struct Member: Sendable {
    public var name: String
    public var header: NpyHeader
    public var data: [UInt8]

    public init(_ name: String, _ type: NpyType, shape: [Int], _ data: [UInt8]) {
      self.name = name
      header = NpyHeader(type: type, shape: shape)
      self.data = data
    }

    /// An array of numbers.
    public init<Value: NpyValue>(_ name: String, _ values: [Value], shape: [Int]? = nil) {
      self.init(name, Value.npyType, shape: shape ?? [values.count], NpyFile.bytes(of: values))
    }
  }

  /// The archive.
  ///
  /// - Precondition: names are ASCII and apart from each other, all members together stay below 2 GiB.
  public static func bytes(_ members: [Member]) -> [UInt8] {
    var archive: [UInt8] = []
    var directory: [UInt8] = []
    for member in members {
      precondition(member.header.count * member.header.type.bytes == member.data.count, "whole arrays only")
      let name = Array((member.name + ".npy").utf8)
      let content = member.header.bytes() + member.data
      var crc = CRC32()
      crc.add(content[...])
      let offset = archive.count
      precondition(offset + content.count < 1 << 31, "an archive of 2 GiB")
      // What the local header and the directory share.
      var fields: [UInt8] = []
      fields.appendLittleEndian(UInt16(20))  // version 2.0 reads it
      fields.appendLittleEndian(UInt32(0))  // no flags, stored
      fields.appendLittleEndian(UInt16(0))  // midnight
      fields.appendLittleEndian(UInt16(0x21))  // 1 January 1980
      fields.appendLittleEndian(crc.value)
      fields.appendLittleEndian(UInt32(content.count))
      fields.appendLittleEndian(UInt32(content.count))
      fields.appendLittleEndian(UInt16(name.count))
      fields.appendLittleEndian(UInt16(0))  // no extra field
      archive.appendLittleEndian(UInt32(0x0403_4b50))
      archive += fields + name + content
      directory.appendLittleEndian(UInt32(0x0201_4b50))
      directory.appendLittleEndian(UInt16(20))  // made by version 2.0
      directory += fields
      directory += [UInt8](repeating: 0, count: 10)  // no comment, disk 0, no attributes
      directory.appendLittleEndian(UInt32(offset))
      directory += name
    }
    let start = archive.count
    archive += directory
    archive.appendLittleEndian(UInt32(0x0605_4b50))
    archive.appendLittleEndian(UInt32(0))  // disk 0
    archive.appendLittleEndian(UInt16(members.count))
    archive.appendLittleEndian(UInt16(members.count))
    archive.appendLittleEndian(UInt32(directory.count))
    archive.appendLittleEndian(UInt32(start))
    archive.appendLittleEndian(UInt16(0))  // no comment
    return archive
  }

  /// Writes the archive under its name in one step, synced.
  public static func write(_ members: [Member], to path: String) throws(FileError) {
    try AtomicFile.write(bytes(members), to: path)
  }
}
