import ArgumentParser
import JSON
import Workstation

/// `maslin config`
struct ConfigCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "config",
    abstract: "Shows and checks the settings.",
    subcommands: [Show.self, Check.self, Keys.self])

  /// Where the settings are.
  struct Location: ParsableArguments {
    @Option(
      name: .customLong("config"),
      help: "The configuration file (also: MASLIN_CONFIG).", completion: .file())
    var path: String?

    func read() throws -> Configuration { try Configuration(option: path) }
  }

  /// `maslin config show`
  struct Show: ParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Prints the settings of the configuration file and the environment.")

    @Flag(help: "Say where each value comes from.")
    var origin = false

    @Flag(help: "Print JSON.")
    var json = false

    @OptionGroup var location: Location

    mutating func run() throws {
      let settings = try location.read()
      guard json else {
        return try StandardOutput().finish(with: settings.text(withOrigins: origin))
      }
      var writer = JSONWriter()
      writer.value(settings.json(withOrigins: origin))
      try StandardOutput().finish(with: writer.text + "\n")
    }
  }

  /// `maslin config check`
  struct Check: ParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Checks the configuration file and the environment.",
      discussion: "Exit codes: 0 all is well; 2 a variable is wrong; 3 the file is wrong.")

    @OptionGroup var location: Location

    mutating func run() throws {
      let settings = try location.read()
      try StandardOutput().finish(
        with: (settings.path.map { "\($0): no mistakes" } ?? "no configuration file") + "\n")
    }
  }

  /// `maslin config keys`
  struct Keys: ParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Lists the settings there are.")

    mutating func run() throws {
      var output = StandardOutput()
      for key in ConfigurationKey.allCases {
        try output.write("\(key.rawValue)  (\(key.variable))\n    \(key.summary)\n")
      }
      try output.write(
        "mcp.roots\n    directories that tools of the Model Context Protocol may read\nmcp.servers.NAME.{command, args, env}\n    programs that offer tools by the Model Context Protocol\n"
      )
      try output.finish()
    }
  }
}
