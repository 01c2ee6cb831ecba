import Daemon
import Shards
import Testing

@Suite struct SettledFilesTests {
  private func file(_ inode: UInt64, size: UInt64 = 1, modified: Double) -> FileStatus {
    var status = FileStatus()
    (status.inode, status.size, status.modified) = (inode, size, Int64(modified * 1e9))
    return status
  }

  @Test("A file is complete when it did not change for the quiet time, by its own time")
  func quiet() {
    var files = SettledFiles(quietSeconds: 5)
    let file = [(path: "a.tar", status: file(1, modified: 1000))]
    #expect(files.settled(file, now: 0, wall: 1003) == [])
    #expect(files.nextChange == 2)
    #expect(files.settled(file, now: 2, wall: 1005) == [0])
    #expect(files.nextChange == nil)
  }

  @Test("A file that goes on growing is never complete, whatever its time says")
  func growing() {
    var files = SettledFiles(quietSeconds: 5, trustsTimes: false)
    for second in 0..<60 {
      let grown = [(path: "a.tar", status: file(1, size: UInt64(second), modified: 0))]
      #expect(files.settled(grown, now: Double(second), wall: 1e9) == [])
    }
  }

  @Test("A clock set back does not hold a file back: it was seen quiet for long enough")
  func clockSetBack() {
    var files = SettledFiles(quietSeconds: 5)
    let file = [(path: "a.tar", status: file(1, modified: 1_000_000))]
    #expect(files.settled(file, now: 10, wall: 0) == [])
    #expect(files.nextChange == 15)
    #expect(files.settled(file, now: 15, wall: 5) == [0])
  }

  @Test("A file renamed in is complete at once, until it is written to")
  func renamed() {
    var files = SettledFiles(quietSeconds: 5)
    let status = file(7, modified: 1000)
    files.noteRenamed(status)
    #expect(files.settled([("./in/a.tar", status)], now: 0, wall: 1000) == [0])
    #expect(files.settled([("in/a.tar", status)], now: 1, wall: 1001) == [0])
    let appended = file(7, size: 9, modified: 1002)
    #expect(files.settled([("in/a.tar", appended)], now: 2, wall: 1002) == [])
    files.noteRenamed(appended)
    files.noteWritten(appended)
    #expect(files.settled([("in/a.tar", appended)], now: 3, wall: 1003) == [])
  }

  @Test("Where times are another machine's, two looks a quiet time apart must agree; 0 seconds need one")
  func untrusted() {
    var files = SettledFiles(quietSeconds: 5, trustsTimes: false)
    let old = [(path: "a.tar", status: file(1, modified: 0))]
    #expect(files.settled(old, now: 0, wall: 1e9) == [])
    #expect(files.settled(old, now: 4, wall: 1e9) == [])
    #expect(files.settled(old, now: 5, wall: 1e9) == [0])
    // Taken, gone and there again: it is looked at anew.
    #expect(files.settled([], now: 6, wall: 1e9) == [])
    #expect(files.settled(old, now: 7, wall: 1e9) == [])
    files.quietSeconds = 0
    #expect(files.settled(old, now: 7, wall: 1e9) == [0])
  }
}
