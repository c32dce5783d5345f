import Foundation
import Testing
import Workstation

@Suite("Data directory")
struct DataDirectoryTests {
  @Test("The option comes before the variable, the variable before the platform's place")
  func order() throws {
    let environment = ["MASLIN_DATA": "/b", "HOME": "/home/u", "XDG_DATA_HOME": "/x"]
    #expect(try DataDirectory(option: "/a", environment: environment).path == "/a")
    #expect(try DataDirectory(option: nil, environment: environment).path == "/b")
    #expect(try DataDirectory(option: "", environment: environment).path == "/b")
    #if os(Linux)
      let base = ["HOME": "/home/u", "XDG_DATA_HOME": "/x"]
      #expect(try DataDirectory(option: nil, environment: base).path == "/x/maslin")
      let relative = ["HOME": "/home/u", "XDG_DATA_HOME": "x"]
      #expect(
        try DataDirectory(option: nil, environment: relative).path
          == "/home/u/.local/share/maslin")
    #endif
    #expect(throws: DataDirectoryError.unknown) {
      try DataDirectory(option: nil, environment: [:])
    }
  }

  @Test("It is made for its owner alone; a file in its place is explained")
  func create() throws {
    let base = FileManager.default.temporaryDirectory.path + "/maslin-data-\(UUID().uuidString)"
    defer { try? FileManager.default.removeItem(atPath: base) }
    let directory = try DataDirectory(option: base + "/a/b")
    try directory.create()
    try directory.create()
    let attributes = try FileManager.default.attributesOfItem(atPath: directory.path)
    #expect(attributes[.posixPermissions] as? Int == 0o700)
    try Data().write(to: URL(fileURLWithPath: base + "/file"))
    #expect(throws: DataDirectoryError.self) {
      try DataDirectory(option: base + "/file/x").create()
    }
  }
}
