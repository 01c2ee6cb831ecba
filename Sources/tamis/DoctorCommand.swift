import Algebra
import ArgumentParser
import Decode
import Foundation
import Pipeline
import Shards

struct DoctorCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "doctor", abstract: "Versions of the linked libraries, the BLAS kernel, cores and memory.",
    discussion:
      "Bits are promised for one binary on one OpenBLAS kernel; this prints which one it is.\n\nExample: tamis doctor"
  )

  func run() {
    var lines = [("tamis", tamisVersion)]
    lines += decodeLibraryVersions() + shardLibraryVersions()
    lines.append(("OpenBLAS", OpenBLAS.version))
    lines.append(("OpenBLAS kernel", OpenBLAS.coreName))
    lines.append(("cores", "\(ProcessInfo.processInfo.activeProcessorCount)"))
    lines.append(("memory", ByteSize.text(Int(ProcessInfo.processInfo.physicalMemory))))
    for (name, value) in lines {
      print(name.padding(toLength: 18, withPad: " ", startingAt: 0) + value)
    }
  }
}
