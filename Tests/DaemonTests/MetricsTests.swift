import Daemon
import Foundation
import Pipeline
import Prune
import Testing

/// The page is read by Prometheus' own parser for Python, and by promtool where scripts/setup-promtool put it.
@Suite struct MetricsTests {
  private var status: DaemonStatus {
    var status = DaemonStatus()
    status.version = "1.2.3\"\\\n"
    (status.samplesRead, status.samplesAccepted, status.samplesKept) = (17, 10, 7)
    status.samplesDropped = ["duplicate": 2, "quota": 1]
    status.samplesRejected = ["truncated_image": 7]
    status.shards = ["done": 3, "rejected": 1]
    status.bytesRead = 1 << 50
    status.phase = .fitting
    status.paused = [.disk]
    status.oldestWaitingSince = 900
    status.lastPublishedAt = 1_700_000_000.25
    status.drift = DaemonStatus.Drift()
    status.drift?.psi = .infinity
    status.drift?.ks = .nan
    status.reloaded(at: 50, problem: nil)
    status.reloaded(at: 60, problem: "bad")
    var stage = DaemonStatus.Stage()
    for seconds in [0.005, 0.01, 0.02, 5, 5000] { stage.add(seconds: seconds) }
    status.stages["ingest"] = stage
    return status
  }

  /// Samples as `name{label="value",…} number`, labels sorted, and `TYPE name type` of each family.
  private func parsed(_ page: String) throws -> [String: Double] {
    let program = """
      import sys
      from prometheus_client.parser import text_string_to_metric_families as families
      seen = set()
      for family in families(sys.stdin.read()):
          assert family.documentation and family.name not in seen, family.name
          seen.add(family.name)
          print(f"TYPE {family.name} {family.type}\\t0")
          for s in family.samples:
              print(s.name + "{" + ",".join(f"{k}={v!r}" for k, v in sorted(s.labels.items())) + "}", s.value, sep="\\t")
      """
    var samples: [String: Double] = [:]
    let text = try output(of: Tools.python, ["-c", program], input: page)
    for line in text.split(separator: "\n") {
      let parts = line.split(separator: "\t")
      try #require(parts.count == 2 && samples[String(parts[0])] == nil, "\(line)")
      samples[String(parts[0])] = Double(parts[1])
    }
    return samples
  }

  @Test func valuesAreThoseOfTheStatus() throws {
    let samples = try parsed(MetricsPage.text(status, now: 1000))
    let expected: [String: Double] = [
      "tamis_build_info{version='1.2.3\"\\\\\\n'}": 1,
      "tamis_samples_total{reason='',result='accepted',stage='ingest'}": 10,
      "tamis_samples_total{reason='truncated_image',result='rejected',stage='ingest'}": 7,
      "tamis_samples_total{reason='deadline',result='rejected',stage='ingest'}": 0,
      "tamis_samples_total{reason='',result='kept',stage='decide'}": 7,
      "tamis_samples_total{reason='duplicate',result='dropped',stage='decide'}": 2,
      "tamis_samples_total{reason='filter',result='dropped',stage='decide'}": 0,
      "tamis_samples_total{reason='',result='published',stage='publish'}": 0,
      "tamis_shards_total{result='done'}": 3, "tamis_shards_total{result='lost'}": 0,
      "tamis_bytes_read_total{}": 1_125_899_906_842_624, "tamis_dedup_ratio{}": 0.2,
      "tamis_phase{phase='fitting'}": 1, "tamis_phase{phase='streaming'}": 0,
      "tamis_paused{reason='disk'}": 1, "tamis_paused{reason='io'}": 0,
      "tamis_oldest_pending_age_seconds{}": 100, "tamis_last_success_timestamp_seconds{}": 1_700_000_000.25,
      "tamis_drift_psi{}": .infinity, "tamis_config_last_reload_successful{}": 0,
      "tamis_config_last_reload_success_timestamp_seconds{}": 50,
      "tamis_stage_duration_seconds_bucket{le='0.01',stage='ingest'}": 2,
      "tamis_stage_duration_seconds_bucket{le='1',stage='ingest'}": 3,
      "tamis_stage_duration_seconds_bucket{le='10',stage='ingest'}": 4,
      "tamis_stage_duration_seconds_bucket{le='+Inf',stage='ingest'}": 5,
      "tamis_stage_duration_seconds_count{stage='ingest'}": 5,
      "tamis_stage_duration_seconds_sum{stage='ingest'}": 5005.035,
      "tamis_stage_duration_seconds_count{stage='publish'}": 0,
      "TYPE tamis_samples counter": 0, "TYPE tamis_stage_duration_seconds histogram": 0,
      "TYPE tamis_inflight_bytes gauge": 0, "TYPE process_cpu_seconds counter": 0,
    ]
    for (name, value) in expected { #expect(samples[name] == value, "\(name)") }
    #expect(samples["tamis_drift_ks{}"]?.isNaN == true)
    #expect(samples["process_resident_memory_bytes{}"]! > 1e6)
    #expect(samples["process_open_fds{}"]! >= 3)
    #expect(samples["process_cpu_seconds_total{}"]! > 0)
  }

  @Test func everyReasonIsThereFromTheStart() throws {
    let samples = try parsed(MetricsPage.text(DaemonStatus()))
    for code in RejectCode.allCases {
      #expect(samples["tamis_samples_total{reason='\(code.rawValue)',result='rejected',stage='ingest'}"] == 0)
    }
    for reason in Reason.allCases where reason != .kept {
      #expect(samples["tamis_samples_total{reason='\(reason)',result='dropped',stage='decide'}"] == 0)
    }
    // The same series with and without data: nothing appears only when it first happens.
    #expect(
      Set(samples.keys.filter { !$0.contains("version") })
        == Set(try parsed(MetricsPage.text(status)).keys.filter { !$0.contains("version") }))
  }

  static let promtool = Tools.root + "/.deps/prometheus/promtool"

  @Test(.enabled(if: FileManager.default.isExecutableFile(atPath: promtool)))
  func promtoolHasNothingToSay() throws {
    for status in [DaemonStatus(), status] {
      let process = Process()
      process.executableURL = URL(fileURLWithPath: Self.promtool)
      process.arguments = ["check", "metrics"]
      let (input, said) = (Pipe(), Pipe())
      (process.standardInput, process.standardOutput, process.standardError) = (input, said, said)
      try process.run()
      input.fileHandleForWriting.write(Data(MetricsPage.text(status).utf8))
      try input.fileHandleForWriting.close()
      let text = String(decoding: said.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
      process.waitUntilExit()
      #expect(process.terminationStatus == 0 && text.isEmpty, "\(text)")
    }
  }

  @Test func theTextfileIsReplacedInOneStep() throws {
    let folder = FileManager.default.temporaryDirectory.path + "/metrics-\(UUID().uuidString)"
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(atPath: folder) }
    for _ in 0..<2 { try MetricsPage.write(status, to: folder + "/tamis.prom") }
    #expect(try FileManager.default.contentsOfDirectory(atPath: folder) == ["tamis.prom"])
    let text = String(decoding: FileManager.default.contents(atPath: folder + "/tamis.prom")!, as: UTF8.self)
    #expect(try parsed(text)["tamis_shards_total{result='done'}"] == 3)
  }
}
