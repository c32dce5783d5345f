import Foundation
import JSON
import ModelContext
import Synchronization
import Testing

@Suite("Standard streams and child processes", .serialized)
struct ProcessTests {
  /// A server in the shell: answers the handshake, the list and calls, and does what `extra` says.
  private func shell(_ script: String) -> ServerCommand {
    ServerCommand(name: "shell", command: "/bin/sh", arguments: ["-c", script])
  }

  private static let answers = #"""
    read -r line
    printf '%s\n' '{"jsonrpc":"2.0","id":1,"result":{"protocolVersion":"2025-11-25","capabilities":{"tools":{}}}}'
    read -r line
    read -r line
    printf '%s\n' 'not a message' '{"jsonrpc":"2.0","id":2,"result":{"tools":[{"name":"t","inputSchema":{}}]}}'
    read -r line

    """#

  @Test("A program that answers")
  func answering() async throws {
    let script =
      Self.answers
        + #"""
        printf '{"jsonrpc":"2.0","id":3,"result":{"content":[{"type":"text","text":"%s %s"}]}}\n' "$GIVEN" "${SECRET_OF_PARENT:-none}"
        read -r line
        """#
    setenv("SECRET_OF_PARENT", "leaked", 1)
    defer { unsetenv("SECRET_OF_PARENT") }
    var command = shell(script)
    command.environment = [.init(name: "GIVEN", value: "given")]
    let process = try ChildProcess(command)
    let client = try await ContextClient.connect(name: "shell", over: process, version: "1")
    #expect(try await client.tools().tools.map(\.name) == ["t"])
    #expect(try await client.call("t", .object([])).text == "given none")
    client.close()
  }

  @Test("A program that ends in the middle: status and last messages are told")
  func ending() async throws {
    let process = try ChildProcess(
      shell(Self.answers + "echo 'the disk is \u{1B}[31mfull' >&2; exit 7"))
    let client = try await ContextClient.connect(name: "shell", over: process, version: "1")
    _ = try await client.tools()
    do {
      _ = try await client.call("t", .object([]))
      Issue.record("answered")
    } catch {
      #expect(error.description.contains("status 7"))
      #expect(error.description.contains("the disk is"))
      #expect(!error.description.contains("\u{1B}"))
    }
  }

  @Test("A program that does not exist")
  func missing() {
    do {
      _ = try ChildProcess(ServerCommand(name: "m", command: "/no/such/program"))
      Issue.record("started")
    } catch {
      #expect(error.description.contains("/no/such/program could not be started"))
    }
  }

  @Test("A line above the limit ends the connection")
  func longLine() async throws {
    let process = try ChildProcess(
      shell("read -r line; while :; do printf 'xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx'; done"),
      lineLimit: 10_000)
    await #expect(throws: ClientError.self) {
      try await ContextClient.connect(name: "shell", over: process, version: "1")
    }
  }

  @Test("A program that ignores its standard input and SIGTERM is killed, with its children")
  func stubborn() async throws {
    let marker = FileManager.default.temporaryDirectory.appendingPathComponent(
      "maslin-\(UUID().uuidString)")
    defer { try? FileManager.default.removeItem(at: marker) }
    let process = try ChildProcess(
      shell(
        "trap '' TERM; sh -c 'echo $$ > \(marker.path); exec sleep 600' & while :; do sleep 600; done"
      ))
    process.start { _ in }
    #expect(
      await eventually {
        (try? String(contentsOf: marker, encoding: .utf8))?.isEmpty == false
      })
    let child = try #require(
      pid_t(
        String(contentsOf: marker, encoding: .utf8).trimmingCharacters(in: .whitespacesAndNewlines))
    )
    process.close()
    // Gone, or a zombie that nobody has collected yet.
    #expect(await eventually { kill(child, 0) != 0 || Self.isZombie(child) })
  }

  private static func isZombie(_ process: pid_t) -> Bool {
    guard let status = try? String(contentsOfFile: "/proc/\(process)/stat", encoding: .utf8) else {
      return false
    }
    return status.contains(") Z ")
  }

  @Test("The server over pipes: answers everything that was asked before the end of the input")
  func standardStreams() throws {
    var input: [Int32] = [0, 0]
    var output: [Int32] = [0, 0]
    #expect(pipe(&input) == 0 && pipe(&output) == 0)
    var limits = ContextServer.Limits()
    limits.messageBytes = 10_000
    let text =
      [
        Sample.initialize("2025-11-25"), "", "{", String(repeating: "z", count: 20_000),
        Sample.call("count", id: "5") + "\r", Sample.call("echo", #"{"text":"last"}"#, id: "6"),
      ].joined(separator: "\n")
    let writing = Thread { [input] in
      let handle = FileHandle(fileDescriptor: input[1], closeOnDealloc: true)
      try? handle.write(contentsOf: Data(text.utf8))
    }
    writing.start()
    try StandardStreamServer(.sample(limits: limits), input: input[0], output: output[1]).run()
    close(output[1])
    close(input[0])
    let reader = FileHandle(fileDescriptor: output[0], closeOnDealloc: true)
    let lines = String(decoding: try reader.readToEnd() ?? Data(), as: UTF8.self)
      .split(separator: "\n")
    let answers = lines.compactMap { try? JSONParser.parse(Array($0.utf8)) }
    #expect(answers.count == lines.count)
    #expect(answers.prefix(3).map { $0["error"]?["code"]?.integerValue } == [nil, -32700, -32600])
    #expect(Set(answers.dropFirst(3).map { $0["id"] ?? .null }) == [5, 6])
    #expect(answers.dropFirst(3).allSatisfy { $0["result"]?["isError"] == false })
  }

  @Test("The server ends when nobody reads its answers")
  func closedOutput() throws {
    signal(SIGPIPE, SIG_IGN)
    var input: [Int32] = [0, 0]
    var output: [Int32] = [0, 0]
    #expect(pipe(&input) == 0 && pipe(&output) == 0)
    close(output[0])
    let text = Sample.initialize("2025-11-25") + "\n"
    let written = Array(text.utf8).withUnsafeBytes { write(input[1], $0.baseAddress, $0.count) }
    #expect(written == text.utf8.count)
    // The input stays open: only the closed output can end this.
    try StandardStreamServer(.sample(), input: input[0], output: output[1]).run()
    for descriptor in [input[0], input[1], output[1]] { close(descriptor) }
  }
}
