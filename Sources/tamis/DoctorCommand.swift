import Algebra
import ArgumentParser
import Decode
import Features
import Foundation
import Pipeline
import Shards

struct DoctorCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "doctor",
    abstract: "Versions of the libraries, the BLAS kernel, the models that are there, cores and memory.",
    discussion:
      "Bits are promised for one binary on one OpenBLAS kernel; this prints which one it is.\n\nExample: tamis doctor"
  )

  func run() {
    var lines = [("tamis", tamisVersion)]
    lines += decodeLibraryVersions() + shardLibraryVersions()
    lines.append(("OpenBLAS", OpenBLAS.version))
    lines.append(("OpenBLAS kernel", OpenBLAS.coreName))
    lines.append(
      ("ONNX Runtime", (try? ModelPlaces.runtime().version) ?? "not found: scripts/setup-onnxruntime"))
    for model in ModelPlaces.defaults() {
      lines.append((model.name, model.path ?? "not found: scripts/build-models"))
    }
    lines.append(("cores", "\(ProcessInfo.processInfo.activeProcessorCount)"))
    lines.append(("memory", ByteSize.text(Int(ProcessInfo.processInfo.physicalMemory))))
    for (name, value) in lines {
      print(name.padding(toLength: 24, withPad: " ", startingAt: 0) + value)
    }
  }
}
