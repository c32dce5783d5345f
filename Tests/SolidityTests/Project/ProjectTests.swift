import Solidity
import SoliditySyntax
import Testing

/// The files of all groups, each with the paths its imports lead to.
private func links(_ project: Project) -> [String: [String]] {
  var result: [String: [String]] = [:]
  for group in project.groups() {
    let sources = project.load(group)
    for unit in sources.units {
      result[unit.source.path] = unit.items.compactMap { item in
        guard case .import(let directive) = item else { return nil }
        return sources.imports[directive].map { sources.units[Int($0)].source.path } ?? "missing"
      }
    }
  }
  return result
}

private func project(
  _ files: [String: String], _ inputs: [String] = ["/p"], remappings: [String] = [],
  budget: Int = 12_000_000
) throws -> Project {
  try Project(
    inputs: inputs, fileSystem: InMemoryFileSystem(files), workingDirectory: "/p",
    options: LoadingOptions(
      remappings: remappings.compactMap { Remapping(parsing: $0) }, groupBudget: budget))
}

@Suite("Imports are found the way the usual tools set the compiler up")
struct ImportResolutionTests {
  /// One project a row: its files, and where the import of /p/src/A.sol must lead.
  static let cases: [(name: String, files: [String: String], path: String, target: String)] = [
    ("relative", ["/p/src/B.sol": ""], "./B.sol", "/p/src/B.sol"),
    ("upwards", ["/p/x/B.sol": ""], "../x/./B.sol", "/p/x/B.sol"),
    (
      "remappings.txt",
      ["/p/remappings.txt": "@dep/=vendor/dep/src/", "/p/vendor/dep/src/B.sol": ""],
      "@dep/B.sol", "/p/vendor/dep/src/B.sol"
    ),
    (
      "foundry.toml",
      [
        "/p/foundry.toml": "[profile.default]\nremappings = [\n 'oz/=lib/oz/contracts/',\n]",
        "/p/lib/oz/contracts/B.sol": "",
      ],
      "oz/B.sol", "/p/lib/oz/contracts/B.sol"
    ),
    (
      "longest prefix",
      [
        "/p/remappings.txt": "@oz/=wrong/\n@oz/contracts/=right/", "/p/wrong/contracts/B.sol": "",
        "/p/right/B.sol": "",
      ],
      "@oz/contracts/B.sol", "/p/right/B.sol"
    ),
    (
      "context",
      [
        "/p/remappings.txt": "src/:@oz/=right/\nlib/:@oz/=wrong/\n@oz/=wrong/",
        "/p/wrong/B.sol": "", "/p/right/B.sol": "",
      ],
      "@oz/B.sol", "/p/right/B.sol"
    ),
    (
      "single file context",
      [
        "/p/remappings.txt": "src/A.sol:@oz/=right/\nsrc/C.sol:@oz/=wrong/",
        "/p/wrong/B.sol": "", "/p/right/B.sol": "",
      ],
      "@oz/B.sol", "/p/right/B.sol"
    ),
    (
      "a relative path is remapped once it is whole",
      ["/p/remappings.txt": "src/old/=src/new/", "/p/src/new/B.sol": ""],
      "./old/B.sol", "/p/src/new/B.sol"
    ),
    (
      "lib with src",
      ["/p/foundry.toml": "", "/p/lib/dep/src/B.sol": ""], "dep/B.sol", "/p/lib/dep/src/B.sol"
    ),
    (
      "lib with contracts",
      ["/p/foundry.toml": "", "/p/lib/dep/contracts/x/B.sol": ""],
      "dep/x/B.sol", "/p/lib/dep/contracts/x/B.sol"
    ),
    (
      "lib from its own root",
      ["/p/foundry.toml": "", "/p/lib/dep/src/B.sol": ""],
      "dep/src/B.sol", "/p/lib/dep/src/B.sol"
    ),
    (
      "a dependency's dependency",
      ["/p/foundry.toml": "", "/p/lib/one/lib/two/src/B.sol": ""],
      "two/B.sol", "/p/lib/one/lib/two/src/B.sol"
    ),
    (
      "the least nested of two",
      [
        "/p/foundry.toml": "", "/p/lib/a/lib/dep/src/B.sol": "", "/p/lib/dep/src/B.sol": "",
      ],
      "dep/B.sol", "/p/lib/dep/src/B.sol"
    ),
    (
      "a rule stated by a dependency",
      [
        "/p/foundry.toml": "", "/p/lib/oz/remappings.txt": "@openzeppelin/contracts/=contracts/",
        "/p/lib/oz/contracts/B.sol": "",
      ],
      "@openzeppelin/contracts/B.sol", "/p/lib/oz/contracts/B.sol"
    ),
    (
      "other libs",
      ["/p/foundry.toml": "[profile.default]\nlibs = ['deps']", "/p/deps/x/src/B.sol": ""],
      "x/B.sol", "/p/deps/x/src/B.sol"
    ),
    (
      "soldeer",
      ["/p/foundry.toml": "", "/p/dependencies/@oz-5.0.2/B.sol": ""],
      "@oz/B.sol", "/p/dependencies/@oz-5.0.2/B.sol"
    ),
    (
      "node_modules",
      ["/p/hardhat.config.ts": "", "/p/node_modules/@oz/contracts/B.sol": ""],
      "@oz/contracts/B.sol", "/p/node_modules/@oz/contracts/B.sol"
    ),
    (
      "node_modules further up",
      ["/p/hardhat.config.ts": "", "/node_modules/@oz/B.sol": ""],
      "@oz/B.sol", "/node_modules/@oz/B.sol"
    ),
    (
      "from the project's root",
      ["/p/hardhat.config.ts": "", "/p/contracts/B.sol": ""],
      "contracts/B.sol", "/p/contracts/B.sol"
    ),
    (
      "src as a prefix", ["/p/foundry.toml": "", "/p/src/x/B.sol": ""], "src/x/B.sol",
      "/p/src/x/B.sol"
    ),
    ("a bare name beside the file", ["/p/src/B.sol": ""], "B.sol", "/p/src/B.sol"),
    ("absolute", ["/elsewhere/B.sol": ""], "/elsewhere/B.sol", "/elsewhere/B.sol"),
    ("nowhere", [:], "@oz/B.sol", "missing"),
    ("a directory is no file", ["/p/src/B.sol/x": ""], "./B.sol", "missing"),
  ]

  @Test("One import", arguments: cases.indices)
  func resolution(index: Int) throws {
    let row = Self.cases[index]
    var files = row.files
    files["/p/src/A.sol"] = "import \"\(row.path)\";"
    let found = links(try project(files, ["/p/src/A.sol"]))["/p/src/A.sol"]
    #expect(found == [row.target], "\(row.name)")
  }

  @Test("The command line wins over the project, from the working directory")
  func commandLine() throws {
    let files = [
      "/p/remappings.txt": "@oz/=wrong/", "/p/wrong/B.sol": "", "/p/right/B.sol": "",
      "/p/src/A.sol": "import '@oz/B.sol';",
    ]
    let links = links(try project(files, ["/p/src"], remappings: ["@oz/=right/"]))
    #expect(links["/p/src/A.sol"] == ["/p/right/B.sol"])
  }

  @Test("In a repository of several projects the nearest configuration decides")
  func monorepo() throws {
    let files = [
      "/p/one/foundry.toml": "[profile.default]\nremappings=['dep/=d1/']",
      "/p/one/src/A.sol": "import 'dep/X.sol';", "/p/one/d1/X.sol": "",
      "/p/two/remappings.txt": "dep/=d2/",
      "/p/two/src/A.sol": "import 'dep/X.sol';", "/p/two/d2/X.sol": "",
    ]
    let links = links(try project(files))
    #expect(links["/p/one/src/A.sol"] == ["/p/one/d1/X.sol"])
    #expect(links["/p/two/src/A.sol"] == ["/p/two/d2/X.sol"])
  }

  @Test("A dependency's imports follow the project that uses it, then its own settings")
  func dependencies() throws {
    let files = [
      "/p/foundry.toml": "[profile.default]\nremappings=['@oz/=lib/oz5/']",
      "/p/src/A.sol": "import 'dep/D.sol';",
      "/p/lib/dep/foundry.toml": "[profile.default]\nremappings=['@oz/=lib/oz4/','own/=own/']",
      "/p/lib/dep/src/D.sol": "import '@oz/O.sol'; import 'own/W.sol';",
      "/p/lib/dep/lib/oz4/O.sol": "", "/p/lib/dep/own/W.sol": "", "/p/lib/oz5/O.sol": "",
    ]
    let links = links(try project(files))
    #expect(
      links["/p/lib/dep/src/D.sol"] == ["/p/lib/oz5/O.sol", "/p/lib/dep/own/W.sol"])
  }

  @Test("A missing import is reported with its place, what was tried and a next step")
  func missing() throws {
    let project = try project([
      "/p/foundry.toml": "", "/p/src/A.sol": "pragma solidity ^0.8.0;\n  import \"@oz/B.sol\";",
    ])
    let sources = project.groups().map { project.load($0) }
    #expect(sources.count == 1)
    guard
      case .missingImport(let path, let position, let importPath, let tried, let hint)? =
        sources.first?.diagnostics.first
    else {
      Issue.record("no diagnostic")
      return
    }
    #expect(path == "/p/src/A.sol")
    #expect((position.line, position.column) == (2, 10))
    #expect(importPath == "@oz/B.sol")
    #expect(!tried.isEmpty)
    #expect(hint.contains("--remap @oz/="))
    #expect(sources.first?.units.count == 1)
  }

  @Test("Cycles of imports end")
  func cycles() throws {
    let links = links(
      try project([
        "/p/A.sol": "import './B.sol'; import './A.sol';", "/p/B.sol": "import './A.sol';",
      ]))
    #expect(links == ["/p/A.sol": ["/p/B.sol", "/p/A.sol"], "/p/B.sol": ["/p/A.sol"]])
  }
}

@Suite("Files of a project")
struct ProjectFilesTests {
  @Test("Dependencies, build results and hidden directories are not searched")
  func walk() throws {
    let found = try project([
      "/p/foundry.toml": "", "/p/src/A.sol": "", "/p/lib/x/src/B.sol": "", "/p/out/C.sol": "",
      "/p/cache/D.sol": "", "/p/node_modules/x/E.sol": "", "/p/.git/F.sol": "",
      "/p/a/lib/G.sol": "",
      "/p/README.md": "",
    ])
    #expect(found.requestedFiles.map(\.path) == ["/p/a/lib/G.sol", "/p/src/A.sol"])
  }

  @Test("A dependency that is named is read, as source")
  func namedDependency() throws {
    let found = try project(
      ["/p/foundry.toml": "", "/p/lib/x/src/B.sol": ""], ["/p/lib/x"])
    #expect(found.requestedFiles.map(\.path) == ["/p/lib/x/src/B.sol"])
    #expect(found.requestedFiles.map(\.role) == [.source])
  }

  @Test("Outside of projects lib, out and cache are names like any other")
  func looseDirectories() throws {
    let found = try project(["/p/lib/A.sol": "", "/p/out/B.sol": "", "/p/test/C.sol": ""])
    #expect(found.requestedFiles.map(\.path) == ["/p/lib/A.sol", "/p/out/B.sol", "/p/test/C.sol"])
    #expect(Set(found.requestedFiles.map(\.role)) == [.source])
  }

  @Test("Tests, scripts and test doubles are told from sources")
  func roles() throws {
    let found = try project([
      "/p/foundry.toml": "[profile.default]\ntest = 'checks'", "/p/src/A.sol": "",
      "/p/src/A.t.sol": "", "/p/checks/B.sol": "", "/p/script/C.sol": "", "/p/other/D.s.sol": "",
      "/p/src/mocks/E.sol": "", "/p/src/Mockery.sol": "",
    ])
    let roles = Dictionary(uniqueKeysWithValues: found.requestedFiles.map { ($0.path, $0.role) })
    #expect(
      roles == [
        "/p/src/A.sol": .source, "/p/src/A.t.sol": .test, "/p/checks/B.sol": .test,
        "/p/script/C.sol": .script, "/p/other/D.s.sol": .script, "/p/src/mocks/E.sol": .test,
        "/p/src/Mockery.sol": .source,
      ])
  }

  @Test("Tests that are named themselves are sources")
  func namedTests() throws {
    let files = ["/p/foundry.toml": "", "/p/test/A.sol": "", "/p/test/mocks/B.sol": ""]
    #expect(try project(files, ["/p"]).requestedFiles.map(\.role) == [.test, .test])
    #expect(try project(files, ["/p/test"]).requestedFiles.map(\.role) == [.source, .test])
    #expect(try project(files, ["/p/test/mocks"]).requestedFiles.map(\.role) == [.source])
  }

  @Test("A file that is only imported is known as such, a dependency too")
  func importedFiles() throws {
    let found = try project(
      [
        "/p/foundry.toml": "", "/p/src/A.sol": "import './B.sol'; import 'dep/C.sol';",
        "/p/src/B.sol": "", "/p/lib/dep/src/C.sol": "",
      ], ["src/A.sol"])
    let files = found.groups().flatMap(\.files)
    #expect(files.map(\.displayPath) == ["lib/dep/src/C.sol", "src/A.sol", "src/B.sol"])
    #expect(files.map(\.isRequested) == [false, true, false])
    #expect(files.map(\.role) == [.dependency, .source, .source])
  }

  @Test("Paths are shown as they were given")
  func displayPaths() throws {
    let files = ["/p/src/A.sol": "", "/q/B.sol": ""]
    func shown(_ inputs: String...) throws -> [String] {
      try project(files, inputs).requestedFiles.map(\.displayPath)
    }
    #expect(try shown("src") == ["src/A.sol"])
    #expect(try shown("src/") == ["src/A.sol"])
    #expect(try shown("./src") == ["./src/A.sol"])
    #expect(try shown(".") == ["src/A.sol"])
    #expect(try shown("/p/src") == ["/p/src/A.sol"])
    #expect(try shown("../q", "src/A.sol") == ["src/A.sol", "../q/B.sol"])
    #expect(try shown("src/../src/A.sol", "src") == ["src/../src/A.sol"])
  }

  @Test("Errors say what is wrong and who can mend it")
  func errors() throws {
    let files = ["/p/a.txt": "", "/p/b.json": "[]", "/p/c.json": "{\"a\":", "/p/d.json": "{}"]
    func error(_ input: String) -> ProjectError? {
      do {
        _ = try project(files, [input])
        return nil
      } catch { return error as? ProjectError }
    }
    #expect(error("nowhere") == .unreadable(.missing(path: "nowhere")))
    #expect(error("nowhere")?.isEnvironment == true)
    #expect(error("/p") == .noSolidity(directory: "/p", skipped: []))
    #expect(error("/p")?.isEnvironment == false)
    #expect(error("a.txt") == .notSolidity(path: "a.txt"))
    for name in ["b.json", "c.json", "d.json"] {
      guard case .badInput(name, _)? = error(name) else {
        Issue.record("\(name) was not refused")
        continue
      }
    }
  }

  @Test("A configuration that cannot be read is reported with its line, and the rest goes on")
  func brokenConfiguration() throws {
    let found = try project([
      "/p/foundry.toml": "[profile.default]\nsrc = 'src\n", "/p/src/A.sol": "",
    ])
    guard case .configuration("/p/foundry.toml", 2, _)? = found.diagnostics.first else {
      Issue.record("no diagnostic: \(found.diagnostics)")
      return
    }
    #expect(found.requestedFiles.count == 1)
  }

  @Test("Large and unreadable files leave a diagnostic and an empty tree that is not understood")
  func tooLarge() throws {
    let found = try Project(
      inputs: ["/p"],
      fileSystem: InMemoryFileSystem(["/p/A.sol": "contract A {}", "/p/B.sol": "contract BB {}"]),
      workingDirectory: "/p", options: LoadingOptions(maximumFileSize: 13))
    var loaded: [String: Bool] = [:]
    found.forEachFile {
      ($0.file.path, $0.failure)
    } deliver: {
      loaded[$0.0] = $0.1 == nil
    }
    #expect(loaded == ["/p/A.sol": true, "/p/B.sol": false])
    let sources = found.groups().map { found.load($0) }
    #expect(
      sources.flatMap(\.diagnostics) == [
        .unreadable(.tooLarge(path: "/p/B.sol", size: 14, limit: 13))
      ])
    #expect(sources.flatMap(\.units).map(\.understood) == [true, false])
  }
}

@Suite("JSON inputs")
struct CompilerInputTests {
  @Test("Standard JSON carries its sources and remappings")
  func standardJSON() throws {
    let json = #"""
      {"language": "Solidity", "output": [{"x": "}"}],
       "sources": {
        "src/A.sol": {"keccak256": "0x", "content": "import \"./B.sol\";\nimport '@d/C.sol'; import 'npm/D.sol';"},
        "src/B.sol": {"content": "contract B { string s = \"\u00e9\ud83d\ude00\"; }"},
        "lib/d/C.sol": {"content": ""}, "npm/D.sol": {"content": ""}},
       "settings": {"remappings": ["@d/=lib/d/"], "optimizer": {"runs": 200}}}
      """#
    let project = try project(["/p/in.json": json], ["in.json"])
    let links = links(project)
    #expect(
      links == [
        "src/A.sol": ["src/B.sol", "lib/d/C.sol", "npm/D.sol"], "src/B.sol": [],
        "lib/d/C.sol": [], "npm/D.sol": [],
      ])
    let text = project.groups().flatMap { project.load($0).units }
      .first { $0.source.path == "src/B.sol" }?.source.line(1)
    #expect(text == "contract B { string s = \"é😀\"; }")
  }

  @Test("Build-info files are read with their input, or through the paths they name")
  func buildInfo() throws {
    let whole =
      #"{"id":"1","input":{"sources":{"src/A.sol":{"content":"contract A {}"}}},"output":{}}"#
    #expect(
      try project(["/p/out/build-info/x.json": whole], ["out/build-info/x.json"])
        .requestedFiles.map(\.displayPath) == ["src/A.sol"])
    let paths =
      #"{"id":"1","source_id_to_path":{"0":"src/A.sol","1":"src/Gone.sol"},"language":"Solidity"}"#
    let read = try project(
      ["/p/out/build-info/x.json": paths, "/p/src/A.sol": "contract A {}"],
      ["out/build-info/x.json"])
    #expect(read.requestedFiles.map(\.path) == ["/p/src/A.sol"])
    #expect(read.diagnostics == [.unreadable(.missing(path: "src/Gone.sol"))])
  }

  @Test("Packages in a build's input are read when imported, and are not what was asked for")
  func packages() throws {
    let json = """
      {"sources": {"contracts/A.sol": {"content": "import '@oz/B.sol';"}, "@oz/B.sol": {"content": ""},
        "@oz/Unused.sol": {"content": ""}, "npm/x@1.0.0/C.sol": {"content": ""}}}
      """
    let read = try project(["/p/in.json": json], ["in.json"])
    #expect(read.requestedFiles.map(\.displayPath) == ["contracts/A.sol"])
    #expect(
      read.groups().flatMap(\.files).map(\.displayPath) == ["@oz/B.sol", "contracts/A.sol"])
  }

  @Test("Compiler output names files on disk")
  func output() throws {
    let json = #"{"contracts":{},"sources":{"A.sol":{"id":0,"ast":{"nodes":[[[]]]}}}}"#
    let read = try project(["/p/out.json": json, "/p/A.sol": ""], ["out.json"])
    #expect(read.requestedFiles.map(\.path) == ["/p/A.sol"])
  }

  @Test("Names that lead out of the file are refused")
  func escape() {
    let json = #"{"sources":{"../../etc/A.sol":{"content":""}}}"#
    #expect(throws: ProjectError.self) { try project(["/p/in.json": json], ["in.json"]) }
  }

  @Test("Any cut of an input is read or refused")
  func cuts() {
    let json = Array(
      #"{"sources":{"A.sol":{"content":"a\u00e9\ud83d\ude00\n"}},"settings":{"remappings":["a=b"]}}"#
        .utf8)
    for length in 0..<json.count {
      #expect(throws: ProjectError.self) {
        try CompilerInput(path: "cut", bytes: Array(json[..<length]))
      }
    }
  }
}
