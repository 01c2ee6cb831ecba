import Daemon
import Dispatch
import Foundation
import Pipeline
import Synchronization
import Testing

/// What is opened, and what is not.
@Suite struct AddressTests {
  private func server(
    listen: String?, socket: String?, allowsPortInUse: Bool = false,
    notice: @escaping @Sendable (String) -> Void = { _ in }
  ) throws -> StatusServer {
    let board = StatusBoard()
    board.beat()
    return try StatusServer(
      board: board, requests: OperatorRequests {}, listen: listen, socket: socket,
      allowsPortInUse: allowsPortInUse, notice: notice)
  }

  @Test func aPortInUseIsAnErrorUnlessItIsTheDefault() throws {
    try StatusServerUnderTest.with { first in
      let address = "127.0.0.1:\(first.server.port!)"
      let error = #expect(throws: PipelineError.self) { try server(listen: address, socket: nil).start() }
      #expect(error?.kind == .temporary && error!.description.contains("in use"))
      let said = Mutex<[String]>([])
      let second = try server(listen: address, socket: nil, allowsPortInUse: true) { text in
        said.withLock { $0.append(text) }
      }
      try second.start()
      #expect(second.port == nil && said.withLock { $0 }.count == 1)
      #expect(said.withLock { $0 }[0].contains("in use"))
      second.stop(deadline: 1)
      #expect(try curl(first.url + "/healthz").status == 200)
    }
  }

  @Test func anAddressOfAnotherMachineIsAnError() throws {
    let error = #expect(throws: PipelineError.self) { try server(listen: "192.0.2.1:0", socket: nil).start() }
    #expect(error?.kind == .usage)
  }

  @Test func theSocketIsOursAlone() throws {
    try StatusServerUnderTest.with { (server) throws in
      let attributes = try FileManager.default.attributesOfItem(atPath: server.socket)
      #expect(attributes[.type] as? FileAttributeType == .typeSocket)
      #expect(attributes[.posixPermissions] as? Int == 0o600)
      #expect(server.notices.withLock { $0 }.isEmpty)
    }
  }

  @Test func aStaleSocketIsReplaced() throws {
    let folder = "/tmp/tamis-\(UInt32.random(in: 0 ... .max))"
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(atPath: folder) }
    let socket = folder + "/serve.sock"
    // As a killed process leaves it: bound, and nobody listens.
    _ = try output(
      of: Tools.python, ["-c", "import socket; socket.socket(socket.AF_UNIX).bind('\(socket)')"])
    #expect(try StatusClient.ask(path: "/status", socket: socket) == nil)
    let second = try server(listen: nil, socket: socket)
    try second.start()
    #expect(try StatusClient.ask(path: "/healthz", socket: socket)?.status == 200)
    second.stop(deadline: 1)
    #expect(try FileManager.default.contentsOfDirectory(atPath: folder).isEmpty)
  }

  @Test func otherFilesAndLongPathsMeanNoSocket() throws {
    let folder = "/tmp/tamis-\(UInt32.random(in: 0 ... .max))"
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(atPath: folder) }
    try Data("mine".utf8).write(to: URL(fileURLWithPath: folder + "/serve.sock"))
    let long = folder + "/" + String(repeating: "d", count: 120)
    try FileManager.default.createDirectory(atPath: long, withIntermediateDirectories: true)
    for (path, part) in [
      (folder + "/serve.sock", "something else"), (long + "/serve.sock", "at most 107"),
      (folder + "/none/serve.sock", "No such file"),
    ] {
      let said = Mutex<[String]>([])
      let none = try server(listen: "127.0.0.1:0", socket: path) { text in said.withLock { $0.append(text) } }
      try none.start()
      #expect(
        said.withLock { $0 }.count == 1 && said.withLock { $0 }[0].contains(part), "\(said.withLock { $0 })")
      #expect(try curl("http://127.0.0.1:\(none.port!)/healthz").status == 200)
      none.stop(deadline: 1)
    }
    #expect(FileManager.default.contents(atPath: folder + "/serve.sock") == Data("mine".utf8))
  }

  private final class Flag: Sendable { let isSet = Atomic(false) }

  @Test func itAnswersWhileAllThreadsOfThePoolAreBusy() async throws {
    let done = Flag()
    // The shared pool has a thread for each core.
    try await withThrowingTaskGroup(of: Void.self) { group in
      for _ in 0..<(ProcessInfo.processInfo.activeProcessorCount - 1) {
        group.addTask { while !done.isSet.load(ordering: .relaxed) { usleep(1000) } }
      }
      group.addTask {
        defer { done.isSet.store(true, ordering: .relaxed) }
        try StatusServerUnderTest.with { (server) throws in
          #expect(try curl(server.url + "/healthz").status == 200)
          #expect(try curl("--unix-socket", server.socket, "http://localhost/status").status == 200)
        }
      }
      try await group.waitForAll()
    }
  }
}
