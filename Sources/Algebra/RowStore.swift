internal import Synchronization

/// Rows of an embedding array that lie outside memory and are read when they are asked for, by any thread.
public protocol RowStore: AnyObject, Sendable {
  /// Number of rows, n.
  var rows: Int { get }
  /// Number of values in a row, d ≥ 1.
  var dimension: Int { get }
  /// `<f2` values; `<f4` otherwise.
  var isHalf: Bool { get }
  /// Copies the rows `range`, little-endian and in C order, to `target`, which is exactly as long as they are.
  func read(_ range: Range<Int>, into target: inout MutableRawSpan) throws
}

/// A store whose first failure is kept until somebody asks for it; rows that cannot be read are zero.
///
/// Rows are read deep inside parallel loops that cannot throw; every stage asks once when it is through.
package final class StoredRows: Sendable {
  let store: any RowStore
  private let firstFailure = Mutex<(any Error)?>(nil)

  init(_ store: any RowStore) { self.store = store }

  /// Why rows could not be read, nil if all could.
  var failure: (any Error)? { firstFailure.withLock { $0 } }

  /// The rows `range` of half precision, one after the other.
  func halves(_ range: Range<Int>) -> [Float16] {
    var values = [Float16](repeating: 0, count: range.count * store.dimension)
    var span = values.mutableSpan
    var bytes = unsafe span.mutableBytes
    read(range, into: &bytes)
    return values
  }

  /// Writes the rows `range` of single precision to `target[offset...]`.
  func singles(_ range: Range<Int>, into target: inout [Float], at offset: Int) {
    var span = target.mutableSpan
    var part = span._mutatingExtracting(offset..<offset + range.count * store.dimension)
    var bytes = unsafe part.mutableBytes
    read(range, into: &bytes)
  }

  private func read(_ range: Range<Int>, into bytes: inout MutableRawSpan) {
    do { try store.read(range, into: &bytes) } catch {
      firstFailure.withLock { if $0 == nil { $0 = error } }
    }
  }
}
