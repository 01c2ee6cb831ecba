import Shards

/// A sample as it leaves: its published key and the fields in their final form.
struct PublishedSample {
  var key: [UInt8]
  var fields: [OutputField]

  init(key: [UInt8], fields: [OutputField]) { (self.key, self.fields) = (key, fields) }

  /// What a field is called that made way for another of its name: `input.<name>`, more of them if that is taken.
  static func freeName(_ name: String, _ isTaken: (String) -> Bool) -> String {
    var free = "input." + name
    while isTaken(free) { free = "input." + free }
    return free
  }

  /// Adds a field. One that the input has under this name makes way: it becomes `input.<name>`.
  ///
  /// - Returns: true if there was one.
  mutating func add(_ field: OutputField) -> Bool {
    var isRenamed = false
    if let index = fields.firstIndex(where: { $0.name == field.name }) {
      fields[index].name = Self.freeName(field.name) { name in fields.contains { $0.name == name } }
      isRenamed = true
    }
    fields.append(field)
    return isRenamed
  }

  /// Adds a one-dimensional array.
  mutating func add<Value: NpyValue>(_ name: String, vector: [Value]) -> Bool {
    let header = NpyHeader(type: Value.npyType, shape: [vector.count]).bytes()
    return add(OutputField(name: name, bytes: (header + NpyFile.bytes(of: vector))[...]))
  }

  /// Flat form: counts and lengths as 8-byte integers, then the bytes.
  func serialized() -> [UInt8] {
    var bytes: [UInt8] = []
    func put(_ part: some Collection<UInt8>) {
      bytes.appendLittleEndian(UInt64(part.count))
      bytes += part
    }
    put(key)
    for field in fields {
      put(field.name.utf8)
      put(field.bytes)
    }
    return bytes
  }

  init(serialized bytes: [UInt8]) {
    var rest = bytes[...]
    func next() -> ArraySlice<UInt8> {
      let count = Int(UInt64.decode(Array(rest.prefix(8)))[0])
      let part = rest.dropFirst(8).prefix(count)
      rest = rest.dropFirst(8 + count)
      return part
    }
    key = Array(next())
    fields = []
    while !rest.isEmpty {
      let name = String(decoding: next(), as: UTF8.self)
      fields.append(OutputField(name: name, bytes: next()))
    }
  }
}
