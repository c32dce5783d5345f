import Foundation
import Synchronization
import TerminalText

/// A server started as a child process, with pipes on its standard streams. Its standard error is kept (the end of
/// it), for the case that something goes wrong. It runs in a process group of its own, so that Ctrl-C in the terminal
/// does not reach it and that its own children end with it.
public final class ChildProcess: MessageTransport {
  /// Why a program did not start.
  public struct StartFailure: Error, Hashable, Sendable, CustomStringConvertible {
    /// The program.
    public let command: String
    /// The system's words.
    public let reason: String

    /// What happened and what to do.
    public var description: String {
      "\(SafeText.line(command)) could not be started: \(reason); check the path and that it may be executed"
    }
  }

  private struct State {
    var isClosed = false
    /// Whether threads read the pipes, and close them at the end.
    var isStarted = false
    /// What the process ended with, as `waitpid` tells; nil while it runs.
    var status: Int32?
  }

  private let process: pid_t
  private let input: Int32
  private let output: Int32
  private let errors: Int32
  /// Held while something is written to `input`; whether that is closed.
  private let inputIsClosed = Mutex(false)
  private let lineLimit: Int
  private let messages: TailBuffer
  /// Signalled when all of the program's standard error is read.
  private let errorsAreRead = DispatchSemaphore(value: 0)
  private let state = Mutex(State())

  /// What every server gets of this program's environment. The rest stays here: it may hold secrets.
  static let inheritedVariables = [
    "HOME", "LANG", "LC_ALL", "LOGNAME", "PATH", "SHELL", "TERM", "TMPDIR", "USER",
  ]

  /// Writing to a program that is gone must be an error of that write, not the end of this process.
  private static let ignoresBrokenPipes: Void = { _ = signal(SIGPIPE, SIG_IGN) }()

  /// Starts a program in the working directory. From then on this process ignores SIGPIPE.
  ///
  /// - Parameters:
  ///   - command: what to start.
  ///   - lineLimit: the longest line in bytes it may write.
  public init(_ command: ServerCommand, lineLimit: Int = 8 << 20) throws(StartFailure) {
    // The system's calls end texts at NUL: it would start something else than what is written.
    let texts =
      [command.command] + command.arguments + command.environment.flatMap { [$0.name, $0.value] }
    guard !texts.contains(where: { $0.utf8.contains(0) }) else {
      throw StartFailure(command: command.command, reason: "its command holds a NUL character")
    }
    let pipes: PipeTriple
    Self.ignoresBrokenPipes
    (process, pipes) = try Self.starting.withLock { _ throws(StartFailure) in
      let pipes = try PipeTriple(command.command)
      do throws(StartFailure) {
        return (try Self.spawn(command, pipes), pipes)
      } catch {
        pipes.closeAll()
        throw error
      }
    }
    pipes.closeTheirs()
    (input, output, errors) = (pipes.input.write, pipes.output.read, pipes.errors.read)
    // A program that does not read must not make this one wait for ever.
    _ = fcntl(input, F_SETFL, fcntl(input, F_GETFL) | O_NONBLOCK)
    self.lineLimit = lineLimit
    messages = TailBuffer(limit: 16 << 10)
  }

  deinit { close() }

  // MARK: Starting

  /// Held while pipes are made and a program is started, so that it does not get the pipes of another one before they are
  /// marked as not for others.
  private static let starting = Mutex(())

  /// Three pipes; every descriptor closes when another program is started.
  private struct PipeTriple {
    struct Ends {
      let read: Int32
      let write: Int32
    }

    let input: Ends
    let output: Ends
    let errors: Ends

    init(_ command: String) throws(StartFailure) {
      var made: [Ends] = []
      for _ in 0..<3 {
        var ends: [Int32] = [-1, -1]
        guard pipe(&ends) == 0 else {
          let reason = String(cString: strerror(errno))
          for pair in made {
            Foundation.close(pair.read)
            Foundation.close(pair.write)
          }
          throw StartFailure(command: command, reason: reason)
        }
        for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
        made.append(Ends(read: ends[0], write: ends[1]))
      }
      (input, output, errors) = (made[0], made[1], made[2])
    }

    func closeTheirs() {
      for end in [input.read, output.write, errors.write] { Foundation.close(end) }
    }

    func closeAll() {
      closeTheirs()
      for end in [input.write, output.read, errors.read] { Foundation.close(end) }
    }
  }

  private static func spawn(
    _ command: ServerCommand, _ pipes: PipeTriple
  ) throws(StartFailure) -> pid_t {
    #if canImport(Darwin)
      var actions: posix_spawn_file_actions_t?
      var attributes: posix_spawnattr_t?
    #else
      var actions = posix_spawn_file_actions_t()
      var attributes = posix_spawnattr_t()
    #endif
    posix_spawn_file_actions_init(&actions)
    posix_spawnattr_init(&attributes)
    defer {
      posix_spawn_file_actions_destroy(&actions)
      posix_spawnattr_destroy(&attributes)
    }
    posix_spawn_file_actions_adddup2(&actions, pipes.input.read, STDIN_FILENO)
    posix_spawn_file_actions_adddup2(&actions, pipes.output.write, STDOUT_FILENO)
    posix_spawn_file_actions_adddup2(&actions, pipes.errors.write, STDERR_FILENO)
    // This program ignores SIGPIPE and takes SIGINT; neither is meant for others.
    var signals = sigset_t()
    sigemptyset(&signals)
    for signal in [SIGPIPE, SIGINT, SIGTERM, SIGHUP] { sigaddset(&signals, signal) }
    posix_spawnattr_setsigdefault(&attributes, &signals)
    var unblocked = sigset_t()
    sigemptyset(&unblocked)
    posix_spawnattr_setsigmask(&attributes, &unblocked)
    posix_spawnattr_setpgroup(&attributes, 0)
    var flags = POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETPGROUP
    #if canImport(Darwin)
      flags |= POSIX_SPAWN_CLOEXEC_DEFAULT
    #endif
    posix_spawnattr_setflags(&attributes, Int16(flags))

    var arguments: [UnsafeMutablePointer<CChar>?] =
      ([command.command] + command.arguments).map { strdup($0) } + [nil]
    var environment: [UnsafeMutablePointer<CChar>?] =
      variables(of: command).map { strdup($0) } + [nil]
    defer { for text in arguments + environment { free(text) } }
    var process: pid_t = 0
    let failure = posix_spawnp(
      &process, command.command, &actions, &attributes, &arguments, &environment)
    guard failure == 0 else {
      throw StartFailure(command: command.command, reason: String(cString: strerror(failure)))
    }
    return process
  }

  private static func variables(of command: ServerCommand) -> [String] {
    let own = ProcessInfo.processInfo.environment
    let given = Set(command.environment.map(\.name))
    let inherited = inheritedVariables.filter { !given.contains($0) }.compactMap { name in
      own[name].map { "\(name)=\($0)" }
    }
    return inherited + command.environment.map { "\($0.name)=\($0.value)" }
  }

  // MARK: Streams

  /// Begins to deliver what the program writes.
  public func start(_ receive: @escaping @Sendable (TransportEvent) -> Void) {
    state.withLock { $0.isStarted = true }
    // The threads hold on to what they use, but not to the process, so that letting go of it ends it.
    let (output, errors, lineLimit, messages) = (output, errors, lineLimit, messages)
    let errorsAreRead = errorsAreRead
    Self.thread {
      Self.read(errors) { messages.append($0) }
      Foundation.close(errors)
      errorsAreRead.signal()
    }
    Self.thread { [weak self] in
      var splitter = LineSplitter(limit: lineLimit)
      func deliver(_ lines: [LineSplitter.Line]) {
        for line in lines {
          switch line {
          case .line(let bytes): receive(.message(bytes))
          case .tooLong: receive(.tooLong(limit: lineLimit))
          }
        }
      }
      Self.read(output) { deliver(splitter.append($0)) }
      deliver(splitter.end())
      Foundation.close(output)
      receive(.ended(self?.ending ?? "it was closed"))
    }
  }

  private static func thread(_ body: @escaping @Sendable () -> Void) {
    let thread = Thread(block: body)
    thread.stackSize = 1 << 20
    thread.start()
  }

  private static func read(_ descriptor: Int32, _ take: (ArraySlice<UInt8>) -> Void) {
    var buffer = [UInt8](repeating: 0, count: 1 << 16)
    while true {
      let count = buffer.withUnsafeMutableBytes {
        Foundation.read(descriptor, $0.baseAddress, $0.count)
      }
      if count > 0 {
        take(buffer[..<count])
      } else if count == 0 || errno != EINTR {
        return
      }
    }
  }

  /// How long a program may leave its standard input unread while something is sent.
  private static let sendTime = Duration.seconds(10)

  /// Sends a message. Returns false when the program is gone or does not read.
  public func send(_ message: [UInt8]) -> Bool {
    inputIsClosed.withLock { isInputClosed in
      let bytes = message + [0x0A]
      var deadline = ContinuousClock.now + Self.sendTime
      var start = 0
      while start < bytes.count {
        guard !isInputClosed, !isClosed, ContinuousClock.now < deadline else { return false }
        let written = bytes[start...].withUnsafeBytes {
          Foundation.write(input, $0.baseAddress, $0.count)
        }
        if written > 0 {
          start += written
          deadline = ContinuousClock.now + Self.sendTime
        } else if errno == EAGAIN {
          var waiting = pollfd(fd: input, events: Int16(POLLOUT), revents: 0)
          _ = poll(&waiting, 1, 100)
        } else if errno != EINTR {
          return false
        }
      }
      return true
    }
  }

  private var isClosed: Bool { state.withLock { $0.isClosed } }

  /// The end of what the program wrote to standard error.
  public var errorText: String { messages.text }

  // MARK: Ending

  /// How the program ended, with the end of its standard error.
  private var ending: String {
    let how: String
    switch wait(for: .milliseconds(500)) {
    case nil: how = "it closed its standard output"
    case let status? where status & 0x7F == 0: how = "it ended with status \(status >> 8 & 0xFF)"
    case let status?: how = "it was ended by signal \(status & 0x7F)"
    }
    // What it wrote last may still be on its way.
    _ = errorsAreRead.wait(timeout: .now() + .milliseconds(500))
    let text = errorText.split(separator: "\n").suffix(3).joined(separator: " / ")
    return text.isEmpty ? how : how + "; its last messages: " + SafeText.line(text)
  }

  /// Waits for the process to end; nil when it did not within that time.
  private func wait(for time: Duration) -> Int32? {
    let deadline = ContinuousClock.now + time
    while true {
      let status = state.withLock { state -> Int32? in
        if state.status != nil { return state.status }
        var status: Int32 = 0
        let result = waitpid(process, &status, WNOHANG)
        if result == process {
          state.status = status
          // Its own children may outlive it and hold the pipes.
          signalGroup(SIGKILL)
        }
        // Somebody else has waited for it; how it ended is lost.
        if result < 0, errno == ECHILD { state.status = 0 }
        return state.status
      }
      if let status { return status }
      guard ContinuousClock.now < deadline else { return nil }
      usleep(5_000)
    }
  }

  /// Ends the program: closes its standard input, and where that does not help, by signals to its process group.
  public func close() {
    let (isFirst, isStarted) = state.withLock { state in
      defer { state.isClosed = true }
      return (!state.isClosed, state.isStarted)
    }
    guard isFirst else { return }
    if !isStarted {
      Foundation.close(output)
      Foundation.close(errors)
    }
    // Whoever is writing notices within a moment that the process is to end.
    inputIsClosed.withLock { isInputClosed in
      Foundation.close(input)
      isInputClosed = true
    }
    if wait(for: .seconds(2)) == nil {
      signalGroup(SIGTERM)
      if wait(for: .seconds(1)) == nil {
        signalGroup(SIGKILL)
        _ = wait(for: .seconds(1))
      }
    }
  }

  private func signalGroup(_ signal: Int32) { kill(-process, signal) }
}

/// The end of a text that arrives in pieces.
private final class TailBuffer: Sendable {
  private let bytes = Mutex([UInt8]())
  private let limit: Int

  init(limit: Int) { self.limit = limit }

  func append(_ part: ArraySlice<UInt8>) {
    bytes.withLock { bytes in
      bytes += part
      if bytes.count > 2 * limit { bytes.removeFirst(bytes.count - limit) }
    }
  }

  var text: String { String(decoding: bytes.withLock { $0.suffix(limit) }, as: UTF8.self) }
}
