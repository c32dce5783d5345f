import Auditing
import Ethereum
import Foundation
import JSON
import Solidity

/// EVM code as given on the command line: hexadecimal digits, or a file that holds them, raw bytes, or the artifact
/// of a build tool.
enum CodeInput {
  /// The largest file that is read.
  private static let maximumSize = 64 << 20

  /// Reads the code.
  ///
  /// - Parameter creation: whether to take the creation code of an artifact, not the runtime code.
  static func read(_ text: String, creation: Bool) throws -> [UInt8] {
    let disk = LocalFileSystem()
    let path = SourcePath.joined(LocalFileSystem.workingDirectory, text)
    // A text of digits alone could name a file too; a file that exists is meant.
    guard text.utf8.count < 4096, disk.kind(of: path) != nil else {
      guard text.hasPrefix("0x") || text.utf8.count >= 8 else {
        throw CommandFailure(
          .environment, "\(text): no such file, and too short for code; check the spelling")
      }
      return try decode(text, from: "the argument")
    }
    let bytes = try disk.read(path, limit: maximumSize)
    if bytes.first(where: { !isSpace($0) }) == UInt8(ascii: "{") {
      return try artifact(bytes, path: text, creation: creation)
    }
    let content = String(decoding: bytes, as: UTF8.self).trimmingCharacters(
      in: .whitespacesAndNewlines)
    let isText = !content.isEmpty && content.utf8.allSatisfy { isHexadecimal($0) || isSpace($0) }
    return isText ? try decode(content.filter { !$0.isWhitespace }, from: text) : bytes
  }

  private static func artifact(
    _ bytes: [UInt8], path: String, creation: Bool
  ) throws -> [UInt8] {
    let document: JSONValue
    do {
      document = try JSONParser.parse(bytes)
    } catch {
      throw CommandFailure(.badInput, "\(path): \(error)")
    }
    let root = document["evm"] ?? document
    let member = creation ? root["bytecode"] : root["deployedBytecode"]
    guard let code = member?.stringValue ?? member?["object"]?.stringValue else {
      throw CommandFailure(
        .badInput,
        "\(path): no \(creation ? "bytecode" : "deployedBytecode") in this JSON file; "
          + "expected an artifact of Foundry, Hardhat or the compiler")
    }
    return try decode(code, from: path)
  }

  private static func decode(_ text: String, from place: String) throws -> [UInt8] {
    do {
      return try Hex.decode(text)
    } catch {
      let isUnlinked = text.contains("__")
      throw CommandFailure(
        .badInput,
        "\(place): \(error.description)"
          + (isUnlinked ? "; the code is not linked: put library addresses in first" : ""))
    }
  }

  private static func isSpace(_ byte: UInt8) -> Bool {
    byte == 0x20 || (0x09...0x0D).contains(byte)
  }

  private static func isHexadecimal(_ byte: UInt8) -> Bool {
    switch byte {
    case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "a")...UInt8(ascii: "f"),
      UInt8(ascii: "A")...UInt8(ascii: "F"), UInt8(ascii: "x"), UInt8(ascii: "X"):
      true
    default: false
    }
  }
}
