/// Memory that a worker keeps from image to image; it grows to what was asked for and no further.
@safe final class WorkMemory {
  private var start: UnsafeMutablePointer<UInt8>?
  private var capacity = 0

  /// At least `count` bytes, of any content.
  func reserve(_ count: Int) -> UnsafeMutablePointer<UInt8> {
    if let start = unsafe start, count <= capacity { return unsafe start }
    unsafe start?.deallocate()
    let fresh = UnsafeMutablePointer<UInt8>.allocate(capacity: count)
    unsafe fresh.initialize(repeating: 0, count: count)
    unsafe start = fresh
    capacity = count
    return unsafe fresh
  }

  /// Gives the memory back where it is more than `limit`: one large image must not be paid for ever after.
  func release(above limit: Int) {
    if capacity <= limit { return }
    unsafe start?.deallocate()
    unsafe start = nil
    capacity = 0
  }

  deinit { unsafe start?.deallocate() }
}
