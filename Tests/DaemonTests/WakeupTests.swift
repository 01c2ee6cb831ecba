import Daemon
import Dispatch
import Foundation
import Glibc
import Testing

@Suite struct WakeupTests {
  @Test("A ring before the wait, or during it, ends it; two rings end one; then the time does")
  func rings() throws {
    let wakeup = try Wakeup()
    wakeup.ring()
    wakeup.ring()
    #expect(wakeup.wait(seconds: 60) == .rung)
    #expect(wakeup.wait(seconds: 0) == .elapsed)
    DispatchQueue.global().asyncAfter(deadline: .now() + 0.02) { wakeup.ring() }
    #expect(wakeup.wait(seconds: 60) == .rung)
    #expect(wakeup.wait(seconds: 0.001) == .elapsed)
  }

  @Test("A descriptor that becomes readable ends the wait")
  func descriptor() throws {
    let wakeup = try Wakeup()
    let pipe = Pipe()
    let reading = pipe.fileHandleForReading.fileDescriptor
    #expect(wakeup.wait(seconds: 0, descriptor: reading) == .elapsed)
    try pipe.fileHandleForWriting.write(contentsOf: Data([1]))
    #expect(wakeup.wait(seconds: 60, descriptor: reading) == .readable)
    wakeup.ring()
    #expect(wakeup.wait(seconds: 60, descriptor: reading) == [.rung, .readable])
  }
}
