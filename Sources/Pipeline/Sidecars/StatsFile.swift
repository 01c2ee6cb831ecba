/// `NNNNN_stats.json` with the keys and in the form of img2dataset (`json.dump(indent=4)`).
///
/// Nothing was downloaded or resized and no clock time may be in OUT: both failures, the times and the duration are 0;
/// `count` and `successes` are the samples of the shard.
enum StatsFile {
  static func bytes(samples: Int) -> [UInt8] {
    Array(
      """
      {
          "count": \(samples),
          "successes": \(samples),
          "failed_to_download": 0,
          "failed_to_resize": 0,
          "duration": 0.0,
          "start_time": 0.0,
          "end_time": 0.0,
          "status_dict": {
              "success": \(samples)
          }
      }
      """.utf8)
  }
}
