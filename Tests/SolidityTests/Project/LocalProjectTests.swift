import Foundation
import Solidity
import SoliditySyntax
import Testing

/// A directory on disk that goes away with the test.
private final class TemporaryDirectory {
  let path: String

  init() throws {
    let url = FileManager.default.temporaryDirectory
      .appendingPathComponent("maslin-tests-" + UUID().uuidString)
    try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
    path = LocalFileSystem().resolvingLinks(url.path)
  }

  deinit { try? FileManager.default.removeItem(atPath: path) }

  func write(_ name: String, _ text: String) throws {
    let file = path + "/" + name
    try FileManager.default.createDirectory(
      atPath: SourcePath.parent(of: file), withIntermediateDirectories: true)
    try Data(text.utf8).write(to: URL(fileURLWithPath: file))
  }

  func link(_ name: String, to target: String) throws {
    try FileManager.default.createSymbolicLink(
      atPath: path + "/" + name, withDestinationPath: target)
  }

  func git(_ arguments: String...) throws {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
    process.arguments =
      [
        "git", "-c", "user.name=Test", "-c", "user.email=test@example.org",
        "-c", "commit.gpgsign=false", "-c", "init.defaultBranch=main",
      ] + arguments
    process.currentDirectoryURL = URL(fileURLWithPath: path)
    process.standardOutput = FileHandle.nullDevice
    process.standardError = FileHandle.nullDevice
    try process.run()
    process.waitUntilExit()
    try #require(process.terminationStatus == 0, "git \(arguments)")
  }
}

@Suite("Projects on disk")
struct LocalProjectTests {
  @Test("Loops of links end, and nothing is read twice under two names")
  func links() throws {
    let directory = try TemporaryDirectory()
    try directory.write("src/A.sol", "contract A {}")
    try directory.write("src/deep/B.sol", "contract B {}")
    try directory.link("src/deep/up", to: "..")
    try directory.link("self", to: ".")
    try directory.link("again", to: "src")
    try directory.link("src/C.sol", to: "A.sol")
    try directory.link("src/dangling.sol", to: "nowhere.sol")
    let project = try Project(inputs: [directory.path])
    #expect(
      project.requestedFiles.map(\.path) == [
        directory.path + "/src/A.sol", directory.path + "/src/deep/B.sol",
      ])
  }

  @Test("A link out of the tree is followed once")
  func linkOutside() throws {
    let (inside, outside) = (try TemporaryDirectory(), try TemporaryDirectory())
    try outside.write("x/A.sol", "contract A {}")
    try outside.link("x/back", to: inside.path)
    try inside.link("one", to: outside.path + "/x")
    try inside.link("two", to: outside.path + "/x")
    let project = try Project(inputs: [inside.path])
    #expect(project.requestedFiles.count == 1)
  }

  @Test("Pipes and directories named like sources are not read")
  func specialFiles() throws {
    let directory = try TemporaryDirectory()
    try directory.write("A.sol", "contract A {}")
    try directory.write("B.sol/C.sol", "contract C {}")
    #expect(mkfifo(directory.path + "/pipe.sol", 0o600) == 0)
    let project = try Project(inputs: [directory.path])
    #expect(
      project.requestedFiles.map(\.displayPath) == [
        directory.path + "/A.sol", directory.path + "/B.sol/C.sol",
      ])
    #expect(throws: ProjectError.unreadable(.notAFile(path: directory.path + "/pipe.sol"))) {
      try Project(inputs: [directory.path + "/pipe.sol"])
    }
  }

  @Test("Bytes that are no UTF-8 reach the parser, which says where they stand")
  func invalidText() throws {
    let directory = try TemporaryDirectory()
    try directory.write("A.sol", "")
    try Data([0x2F, 0x2F, 0xFF, 0x0A, 0xC3]).write(
      to: URL(fileURLWithPath: directory.path + "/A.sol"))
    var understood: [Bool?] = []
    try Project(inputs: [directory.path]).forEachFile {
      $0.unit?.understood
    } deliver: {
      understood.append($0)
    }
    #expect(understood == [false])
  }

  @Test("A revision's files are read without touching the working tree")
  func revisions() throws {
    let directory = try TemporaryDirectory()
    try directory.git("init")
    try directory.write("foundry.toml", "[profile.default]\nremappings = ['@d/=old/']")
    try directory.write("src/A.sol", "import '@d/B.sol'; contract Old {}")
    try directory.write("old/B.sol", "contract B {}")
    try directory.git("add", ".")
    try directory.git("commit", "-m", "one")
    try directory.write("foundry.toml", "")
    try directory.write("src/A.sol", "contract New {}")
    try directory.write("src/Untracked.sol", "contract Untracked {}")
    try FileManager.default.removeItem(atPath: directory.path + "/old/B.sol")

    let revision = try GitRevision("HEAD", in: directory.path)
    #expect(revision.topDirectory == directory.path)
    #expect(revision.commit.count == 40)
    let project = try Project(
      inputs: ["src"], fileSystem: revision.fileSystem, workingDirectory: directory.path)
    let sources = project.groups().map { project.load($0) }
    #expect(
      sources.flatMap(\.units).map { $0.source.line(1) } == [
        "contract B {}", "import '@d/B.sol'; contract Old {}",
      ])
    #expect(sources.flatMap(\.diagnostics).isEmpty)
  }

  @Test("What is no revision is refused", arguments: ["nowhere", "-h", "", "--all", "HEAD~99"])
  func noRevision(name: String) throws {
    let directory = try TemporaryDirectory()
    try directory.git("init")
    try directory.write("A.sol", "")
    try directory.git("add", ".")
    try directory.git("commit", "-m", "one")
    #expect(try GitRevision.commit(name, in: directory.path) == nil)
    #expect(throws: ProjectError.self) { try GitRevision(name, in: directory.path) }
  }

  @Test("A contract is chosen by a colon, unless the whole is a path")
  func selection() throws {
    let directory = try TemporaryDirectory()
    try directory.write("A.sol", "")
    try directory.write("odd:B", "")
    let disk = LocalFileSystem()
    let chosen = ContractSelection("A.sol:C", in: disk, workingDirectory: directory.path)
    #expect(chosen == ContractSelection(path: "A.sol", contract: "C"))
    let whole = ContractSelection("odd:B", in: disk, workingDirectory: directory.path)
    #expect(whole == ContractSelection(path: "odd:B", contract: nil))
    let noName = ContractSelection("C:\\x.sol", in: disk, workingDirectory: directory.path)
    #expect(noName.contract == nil)
  }
}
