import Pipeline

/// One reject as a line of JSON.
struct RejectLine: Encodable {
  var shard: String
  var key: String?
  var member: String
  /// In the decompressed tar.
  var offset: UInt64
  var code: String
  var message: String

  init(_ reject: Reject) {
    (shard, key, member, offset) = (reject.shard, reject.key, reject.member, reject.offset)
    (code, message) = (reject.code.rawValue, reject.message)
  }
}
