import COnnxRuntime

/// ONNX Runtime, loaded at run time through its C ABI; version 1.17 or later.
///
/// Unchecked, as the compiler cannot see into the C library: the handle never changes after `init`, and what it stands for
/// (environment, table of functions, memory info) is only read, which ONNX Runtime allows from any thread.
@safe public final class OnnxRuntime: @unchecked Sendable {
  fileprivate let handle: OpaquePointer
  /// Such as `1.31.1`.
  public let version: String

  /// Loads the library.
  ///
  /// - Parameter path: a file, or a name that the system's loader knows.
  /// - Throws: ``EncoderError`` with the loader's words.
  public init(path: String) throws(EncoderError) {
    var opened: OpaquePointer?
    try unsafe withErrorText { text in unsafe tamis_ort_open(path, &opened, text) }
    unsafe handle = opened!
    unsafe version = String(cString: tamis_ort_version(handle))
  }

  deinit { unsafe tamis_ort_close(handle) }
}

/// Where models run.
public enum OnnxDevice: Sendable, Equatable {
  case cpu
  /// A CUDA device by its number; the library must have been built with CUDA. Rows differ a little from those of the
  /// processor.
  case cuda(Int32)

  fileprivate var number: Int32 { if case .cuda(let number) = self { number } else { TAMIS_ORT_CPU } }

  /// `cpu`, `cuda` or `cuda:1`.
  public init?(name: String) {
    switch name.split(separator: ":", omittingEmptySubsequences: false) {
    case ["cpu"]: self = .cpu
    case ["cuda"]: self = .cuda(0)
    case let parts where parts.count == 2 && parts[0] == "cuda":
      guard let number = Int32(parts[1]), number >= 0 else { return nil }
      self = .cuda(number)
    default: return nil
    }
  }

  /// As ``init(name:)`` reads it; names the rows' origin in manifests.
  public var name: String { if case .cuda(let number) = self { "cuda:\(number)" } else { "cpu" } }
}

/// A model ready to run. Threads share it: a run uses the thread that calls it and no other.
///
/// Unchecked for the same reason: the handle never changes, and ONNX Runtime documents that `Run` may be called on one
/// session from several threads at once.
@safe public final class OnnxSession: @unchecked Sendable {
  private let handle: OpaquePointer
  /// It must outlive the session.
  private let runtime: OnnxRuntime
  public let inputs: [OnnxValue]
  public let outputs: [OnnxValue]

  /// Loads a model file, with the files of external data beside it.
  ///
  /// - Parameter device: where it runs.
  /// - Throws: ``EncoderError`` for what is no model, or one that the runtime cannot run.
  public init(
    _ runtime: OnnxRuntime, path: String, device: OnnxDevice = .cpu
  ) throws(EncoderError) {
    var created: OpaquePointer?
    try unsafe withErrorText { text in
      unsafe tamis_ort_session_create(runtime.handle, path, device.number, &created, text)
    }
    let session = unsafe created!
    unsafe handle = session
    self.runtime = runtime
    inputs = unsafe (0..<tamis_ort_input_count(session)).map {
      unsafe OnnxValue(tamis_ort_input(session, $0)!.pointee)
    }
    outputs = unsafe (0..<tamis_ort_output_count(session)).map {
      unsafe OnnxValue(tamis_ort_output(session, $0)!.pointee)
    }
  }

  deinit { unsafe tamis_ort_session_destroy(handle) }

  /// Runs the model once.
  ///
  /// - Parameters:
  ///   - tensors: one for each input of the model, in any order.
  ///   - wanted: indices of the outputs to get; they must be float32 or float16.
  /// - Throws: ``EncoderError`` with the runtime's words.
  public func run(_ tensors: [OnnxTensor], outputs wanted: [Int]) throws(EncoderError) -> [OnnxArray] {
    var arrays: [OnnxArray] = []
    try unsafe withErrorText { text in
      unsafe Self.described(tensors[...], []) { described in
        unsafe withUnsafeMutablePointer(to: &arrays) { arrays in
          unsafe tamis_ort_run(
            handle, described, described.count, wanted, wanted.count,
            { context, type, rank, dimensions, data, elements in
              let arrays = unsafe context!.assumingMemoryBound(to: [OnnxArray].self)
              let shape = (0..<Int(rank)).map { unsafe Int(dimensions![$0]) }
              unsafe arrays.pointee.append(OnnxArray(type, shape: shape, data!, elements))
            }, arrays, text)
        }
      }
    }
    if arrays.contains(where: { $0.values == nil }) {
      throw EncoderError("the output is not float32 or float16")
    }
    return arrays
  }

  /// Calls `body` with what the runtime is told of all tensors, whose bytes stay where they are meanwhile.
  private static func described(
    _ tensors: ArraySlice<OnnxTensor>, _ before: [tamis_ort_tensor], _ body: ([tamis_ort_tensor]) -> Int32
  ) -> Int32 {
    guard let tensor = tensors.first else { return unsafe body(before) }
    return unsafe tensor.bytes.withUnsafeBytes { bytes in
      // The runtime only reads inputs; its type for them is not const.
      let data = unsafe UnsafeMutableRawPointer(mutating: bytes.baseAddress!)
      return unsafe described(tensors.dropFirst(), before + [tensor.described(at: data)], body)
    }
  }
}

/// Calls `body` with room for a message and throws the message unless it returns 0.
private func withErrorText(_ body: (UnsafeMutablePointer<CChar>) -> Int32) throws(EncoderError) {
  var failure: EncoderError?
  unsafe withUnsafeTemporaryAllocation(of: CChar.self, capacity: Int(TAMIS_ORT_ERROR)) { text in
    unsafe text.initialize(repeating: 0)
    if unsafe body(text.baseAddress!) != 0 {
      failure = unsafe EncoderError(String(cString: text.baseAddress!))
    }
  }
  if let failure { throw failure }
}

/// Element types that Tamis feeds or reads.
public enum OnnxType: Int32, Sendable {
  case float32 = 1
  case uint8 = 2
  case int32 = 6
  case int64 = 7
  case float16 = 10
}

/// What a model says of an input or output.
public struct OnnxValue: Sendable, Equatable, CustomStringConvertible {
  public let name: String
  /// nil for a type that Tamis does not handle.
  public let type: OnnxType?
  /// nil where the model leaves a dimension open.
  public let dimensions: [Int?]

  init(_ value: tamis_ort_value) {
    var value = value
    name = unsafe withUnsafeBytes(of: &value.name) {
      unsafe String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self)
    }
    type = OnnxType(rawValue: value.type)
    let rank = Int(max(0, value.rank))
    dimensions = unsafe withUnsafeBytes(of: &value.dimensions) { bytes in
      let all = unsafe bytes.bindMemory(to: Int64.self)
      return unsafe all.prefix(rank).map { $0 < 0 ? nil : Int($0) }
    }
  }

  /// `pixel_values: float32 [?, 3, 224, 224]`.
  public var description: String {
    let shape = dimensions.map { $0.map(String.init) ?? "?" }.joined(separator: ", ")
    return "\(name): \(type.map { "\($0)" } ?? "another type") [\(shape)]"
  }
}

/// Data for one input.
public struct OnnxTensor: Sendable {
  /// Index of the input.
  public var input: Int
  public var type: OnnxType
  public var dimensions: [Int]
  /// C order, little-endian.
  public var bytes: [UInt8]

  fileprivate func described(at data: UnsafeMutableRawPointer) -> tamis_ort_tensor {
    var result = unsafe tamis_ort_tensor()
    unsafe result.input = input
    unsafe result.type = type.rawValue
    unsafe result.rank = Int32(dimensions.count)
    unsafe result.data = data
    unsafe result.bytes = bytes.count
    unsafe withUnsafeMutableBytes(of: &result.dimensions) { target in
      for (index, dimension) in dimensions.enumerated() {
        unsafe target.storeBytes(of: Int64(dimension), toByteOffset: 8 * index, as: Int64.self)
      }
    }
    return unsafe result
  }
}

/// An output of a run.
public struct OnnxArray: Sendable, Equatable {
  public let shape: [Int]
  /// C order; nil if the elements are no floating-point numbers.
  fileprivate(set) public var values: [Float]?

  fileprivate init(_ type: Int32, shape: [Int], _ data: UnsafeRawPointer, _ count: Int) {
    self.shape = shape
    switch OnnxType(rawValue: type) {
    case .float32:
      let source = unsafe UnsafeBufferPointer(start: data.assumingMemoryBound(to: Float.self), count: count)
      values = unsafe Array(source)
    case .float16:
      let source = unsafe UnsafeBufferPointer(start: data.assumingMemoryBound(to: Float16.self), count: count)
      values = unsafe source.map { Float($0) }
    default: values = nil
    }
  }
}
