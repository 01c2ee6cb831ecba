import Shards

/// Samples on their way out that wait until there are enough of them to compute their fields together.
struct FieldBlock {
  private var fields: AddedFields?
  private var samples: [PublishedSample] = []
  private var rows: [AddedFields.Row] = []
  private var bytes = 0
  private var renamed: [String: Int] = [:]

  /// - Parameter fields: nil: samples go through as they are.
  init(_ fields: AddedFields?) { self.fields = fields }

  /// Adds a sample; returns those that are complete now, in order.
  ///
  /// - Parameters:
  ///   - key: what masks are drawn by; nil: the key it is published under.
  ///   - thumbnail: asked for only if a field needs it.
  mutating func add(
    _ sample: PublishedSample, key: [UInt8]? = nil, position: Int, thumbnail: () throws -> [UInt8]
  ) rethrows -> [PublishedSample] {
    guard let fields else { return [sample] }
    let image = fields.needsThumbnails ? try thumbnail() : []
    samples.append(sample)
    rows.append(.init(key: key ?? sample.key, position: position, thumbnail: image))
    bytes += sample.fields.reduce(image.count) { $0 + $1.bytes.count }
    guard rows.count >= fields.blockRows || bytes >= fields.blockBytes else { return [] }
    return flush()
  }

  /// Samples that wait.
  var count: Int { samples.count }

  /// True when no sample waits.
  var isEmpty: Bool { samples.isEmpty }

  /// Completes all samples that wait.
  mutating func flush() -> [PublishedSample] {
    guard !samples.isEmpty else { return [] }
    let added = fields!.compute(rows)
    var result = samples
    for index in result.indices {
      for field in added[index] where result[index].add(field) { renamed[field.name, default: 0] += 1 }
    }
    samples.removeAll(keepingCapacity: true)
    rows.removeAll(keepingCapacity: true)
    bytes = 0
    return result
  }

  /// Counts a field that made way for one added elsewhere.
  mutating func countRenamed(_ name: String) { renamed[name, default: 0] += 1 }

  /// What to tell about fields of the input that made way.
  var notices: [String] {
    renamed.sorted { $0.key < $1.key }.map { name, count in
      "\(count) \(count == 1 ? "sample" : "samples") came with a field \(name) already: it is input.\(name) now"
    }
  }
}
