import ArgumentParser
import Inference
import Workstation

/// `maslin cache`
struct CacheCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "cache",
    abstract: "Shows, checks and removes what models keep of earlier conversations.",
    discussion: """
      The beginnings of conversations are kept in the data directory, so that a server that is started again does not \
      compute them anew. They hold what was said, in the models' own form.

      Examples:
        maslin cache stats
        maslin cache verify
        maslin cache clear
      """,
    subcommands: [Statistics.self, Verify.self, Clear.self])

  /// `maslin cache stats`
  struct Statistics: ParsableCommand {
    static let configuration = CommandConfiguration(
      commandName: "stats", abstract: "Tells what is kept for each model, and how large it is.")

    @Flag(help: "Print JSON.")
    var json = false

    @OptionGroup var data: DataOptions

    mutating func run() throws {
      try CacheCommand.show(PrefixInventory(directory: CacheCommand.directory(data)), json: json)
    }
  }

  /// `maslin cache verify`
  struct Verify: ParsableCommand {
    static let configuration = CommandConfiguration(
      commandName: "verify",
      abstract: "Reads everything that is kept and checks it.",
      discussion: "Leaves with 3 when something is damaged. Damaged records are never used.")

    @Flag(help: "Print JSON.")
    var json = false

    @OptionGroup var data: DataOptions

    mutating func run() throws {
      let inventory = try PrefixInventory(
        directory: CacheCommand.directory(data), verifies: true)
      try CacheCommand.show(inventory, json: json)
      if inventory.damagedCount > 0 { throw CommandFailure(.badInput) }
    }
  }

  /// `maslin cache clear`
  struct Clear: ParsableCommand {
    static let configuration = CommandConfiguration(
      commandName: "clear",
      abstract: "Removes what is kept, for all models or for one.",
      discussion: "Leaves with 5 when a running server uses some of it; that is left alone.")

    @Argument(help: "The first digits of a model's fingerprint, as `maslin cache stats` shows it.")
    var fingerprint: String?

    @Flag(help: "Print JSON.")
    var json = false

    @OptionGroup var data: DataOptions

    func validate() throws {
      guard let fingerprint else { return }
      guard !fingerprint.isEmpty, fingerprint.allSatisfy(\.isHexDigit) else {
        throw ValidationError(
          "'\(fingerprint)' are no digits of a fingerprint; `maslin cache stats` shows them")
      }
    }

    mutating func run() throws {
      let directory = try CacheCommand.directory(data)
      let (removed, inUse) = try PrefixInventory.clear(
        directory: directory, fingerprint: fingerprint?.lowercased())
      if let fingerprint, removed.isEmpty, inUse.isEmpty {
        throw CommandFailure(
          .badInput,
          "nothing is kept for a model \(fingerprint); `maslin cache stats` lists the models")
      }
      let bytes = removed.reduce(0) { $0 + $1.byteCount }
      var output = StandardOutput()
      if json {
        try output.write(
          JSONText.document(
            .members([
              "bytes": .integer(bytes), "removed": .array(removed.map(\.json)),
              "inUse": .array(inUse.map { .string($0) }),
            ])))
      } else {
        try output.write("\(PrefixInventory.size(bytes)) removed from \(directory)\n")
      }
      try output.finish()
      guard inUse.isEmpty else {
        throw CommandFailure(
          .environment,
          "left alone, because a running process uses it: "
            + inUse.map { String($0.prefix(16)) }.joined(separator: ", "))
      }
    }
  }

  private static func directory(_ data: DataOptions) throws -> String {
    try data.directory().file(PrefixInventory.directoryName)
  }

  private static func show(_ inventory: PrefixInventory, json: Bool) throws {
    var output = StandardOutput()
    try output.write(json ? JSONText.document(inventory.json) : inventory.text)
    try output.finish()
  }
}
